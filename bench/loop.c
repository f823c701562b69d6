/*
 * What a call costs in C, the yardstick: loop URI CALL CALLS [events], CALL being is_active, name or stats. Prints ns per call.
 * With "events" libvirt's event loop runs in a thread meanwhile, as a program needs it that wants keepalive or events.
 */
#include <libvirt/libvirt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The least of so many short batches is what the call costs where nothing disturbed it. */
#define BATCHES 100

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void *run_events(void *unused)
{
  while (virEventRunDefaultImpl() == 0)
    continue;
  return unused;
}

static void start_events(void)
{
  pthread_t thread;
  virEventRegisterDefaultImpl();
  pthread_create(&thread, NULL, run_events, NULL);
}

static void is_active(virDomainPtr dom, long calls)
{
  for (long i = 0; i < calls; i++)
    if (virDomainIsActive(dom) < 0)
      exit(1);
}

static void name(virDomainPtr dom, long calls)
{
  for (long i = 0; i < calls; i++)
    if (!virDomainGetName(dom))
      exit(1);
}

/* Of all guests, each value looked at. */
static void stats(virDomainPtr dom, long calls)
{
  for (long i = 0; i < calls; i++) {
    virDomainStatsRecordPtr *records;
    long values = 0;
    int count = virConnectGetAllDomainStats(virDomainGetConnect(dom), 0, &records, 0);
    for (int n = 0; n < count; n++)
      for (int v = 0; v < records[n]->nparams; v++)
        values += records[n]->params[v].value.i;
    if (count < 0 || values == 0)
      exit(1);
    virDomainStatsRecordListFree(records);
  }
}

int main(int argc, char **argv)
{
  if (argc < 4)
    return 2;
  if (argc > 4)
    start_events();
  virConnectPtr conn = virConnectOpen(argv[1]);
  virDomainPtr dom = conn ? virDomainLookupByName(conn, "test") : NULL;
  if (!dom)
    return 1;
  if (argc > 4)
    virConnectSetKeepAlive(conn, 5, 5);
  void (*loop)(virDomainPtr, long) = strcmp(argv[2], "name") == 0 ? name : strcmp(argv[2], "stats") == 0 ? stats : is_active;
  long calls = atol(argv[3]);
  double best = 1e18;
  for (int i = 0; i < BATCHES; i++) {
    double start = now();
    loop(dom, calls);
    double ns = (now() - start) / (double)calls;
    best = ns < best ? ns : best;
  }
  printf("%.1f\n", best);
  virDomainFree(dom);
  virConnectClose(conn);
  return 0;
}
