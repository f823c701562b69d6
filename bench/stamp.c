/*
 * Loaded before libvirt (LD_PRELOAD):
 *   BENCH_EVENTS=PATH     writes down when libvirt calls back with a lifecycle event: numbers of 8 bytes, first how many there are,
 *                         then for each of them the ns of CLOCK_MONOTONIC
 *   BENCH_CALL_MS=MS      virDomainSuspend and virDomainResume take so much longer, as where a daemon is busy
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <libvirt/libvirt.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { MAX_EVENTS = 4096 };

typedef struct stamps {
  atomic_llong count;
  long long ns[MAX_EVENTS];
} stamps;

static stamps *events; /* the file, mapped */
static virConnectDomainEventCallback callback;

static _Noreturn void fail(const char *what)
{
  fprintf(stderr, "stamp: %s\n", what);
  _exit(1);
}

static void *real(const char *name)
{
  void *function = dlsym(RTLD_NEXT, name);
  if (!function)
    fail(name);
  return function;
}

__attribute__((constructor)) static void start(void)
{
  const char *path = getenv("BENCH_EVENTS");
  if (!path)
    return;
  int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0 || ftruncate(fd, sizeof *events) < 0)
    fail(path);
  events = mmap(NULL, sizeof *events, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
  if (events == MAP_FAILED)
    fail(path);
  close(fd);
}

static int on_lifecycle(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  long long i = atomic_load(&events->count);
  if (i == MAX_EVENTS)
    fail("more events than there is room for");
  events->ns[i] = t.tv_sec * 1000000000LL + t.tv_nsec;
  atomic_store(&events->count, i + 1);
  return callback(conn, dom, event, detail, opaque);
}

/* A connection has one registration a kind of event, see src/event: one callback is enough. */
int virConnectDomainEventRegisterAny(virConnectPtr conn, virDomainPtr dom, int id, virConnectDomainEventGenericCallback function,
                                     void *opaque, virFreeCallback free_opaque)
{
  __typeof__(virConnectDomainEventRegisterAny) *registers = real(__func__);
  if (events && id == VIR_DOMAIN_EVENT_ID_LIFECYCLE) {
    callback = (virConnectDomainEventCallback)(void (*)(void))function;
    function = (virConnectDomainEventGenericCallback)(void (*)(void))on_lifecycle;
  }
  return registers(conn, dom, id, function, opaque, free_opaque);
}

static void linger(void)
{
  const char *ms = getenv("BENCH_CALL_MS");
  long ns = ms ? atol(ms) * 1000000 : 0;
  if (ns > 0)
    nanosleep(&(struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000}, NULL);
}

int virDomainSuspend(virDomainPtr dom)
{
  linger();
  return ((__typeof__(virDomainSuspend) *)real(__func__))(dom);
}

int virDomainResume(virDomainPtr dom)
{
  linger();
  return ((__typeof__(virDomainResume) *)real(__func__))(dom);
}
