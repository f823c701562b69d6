/*
 * What event.lua is compared with: event EVENTS, where libvirt's callback writes to a pipe that a thread reads from, and nothing more.
 */
#include <libvirt/libvirt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int wakeup[2];

static long long now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void fail(const char *what)
{
  fprintf(stderr, "event: %s\n", what);
  exit(1);
}

static int on_lifecycle(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque)
{
  (void)conn, (void)dom, (void)event, (void)detail, (void)opaque;
  long long called = now();
  if (write(wakeup[1], &called, sizeof called) != sizeof called)
    fail("cannot wake");
  return 0;
}

static void *run_events(void *unused)
{
  while (virEventRunDefaultImpl() == 0)
    continue;
  return unused;
}

static virDomainPtr dom;
static int count;

static void *cause(void *unused)
{
  for (int i = 0; i < count; i++) {
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    if ((i % 2 == 0 ? virDomainSuspend(dom) : virDomainResume(dom)) < 0)
      fail("cannot suspend or resume");
  }
  return unused;
}

int main(int argc, char **argv)
{
  pthread_t events, causes;
  long long called;
  count = argc == 2 ? atoi(argv[1]) : 0;
  virEventRegisterDefaultImpl();
  virConnectPtr conn = virConnectOpen("test:///default");
  dom = conn ? virDomainLookupByName(conn, "test") : NULL;
  if (!dom || pipe(wakeup) < 0 ||
      virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                       (virConnectDomainEventGenericCallback)(void (*)(void))on_lifecycle, NULL, NULL) < 0)
    fail("no events");
  if (pthread_create(&events, NULL, run_events, NULL) != 0 || pthread_create(&causes, NULL, cause, NULL) != 0)
    fail("no thread");
  for (int i = 0; i < count; i++) {
    if (read(wakeup[0], &called, sizeof called) != sizeof called)
      fail("cannot wait");
    printf("C\t%lld\t0\t0\n", now() - called);
  }
  return 0;
}
