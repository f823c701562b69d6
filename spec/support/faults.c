/*
 * Loaded before libvirt (LD_PRELOAD) it stands between guestlua and libvirt's public functions, and lets chosen calls fail. See faults.lua.
 *
 *   GUESTLUA_FAULT_LOG=PATH       a line a call is appended: index, function, guest (or URI), disk, what is done to it, with tabs between.
 *                                 Events have index 0 and a function like event:block_job_2.
 *   GUESTLUA_FAULT=FAULT,FAULT…
 *
 *   FAULT   CALL:WHAT             instead of the call, or before it
 *           CALL:WHAT:after       the call is made, then WHAT happens: the lost answer
 *           event:KIND#N[:WHAT]   an event; without WHAT it is not delivered
 *   CALL    N                     the N-th call of all
 *           FUNCTION#N            the N-th call of this function
 *                                 N may also be N+ (from then on) and * (all)
 *   WHAT    CODE                  it fails with this error of libvirt's, a number or a name as in operation_timeout
 *           hang=SECONDS          it takes so much longer, and goes on as if nothing were
 *           kill                  SIGKILL, to this process
 *           kill=PID              SIGKILL, to that one
 *
 * Only what can really fail is counted: what is asked of the daemon or the driver, not what looks into memory. What libvirt's own libraries
 * call of each other goes through here as well, and is not counted.
 */
#include "faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libvirt/virterror.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX_FAULTS = 32, MAX_HANG = 600, LOG_FD = 200, EXIT_SYNTAX = 120 };

typedef enum { FAIL, HANG, KILL, LOSE } what_t;

typedef struct fault {
  const char *name; /* NULL: any */
  unsigned first, last;
  what_t what;
  long number; /* the code, the seconds or the process */
  bool after;
} fault;

static fault faults[MAX_FAULTS]; /* not changed after start */
static int fault_count;
static int log_fd = -1;
static atomic_uint call_count;

static const struct {
  const char *name;
  int code;
} codes[] = {
  {"agent_unresponsive", VIR_ERR_AGENT_UNRESPONSIVE},
  {"auth_failed", VIR_ERR_AUTH_FAILED},
  {"block_copy_active", VIR_ERR_BLOCK_COPY_ACTIVE},
  {"config_unsupported", VIR_ERR_CONFIG_UNSUPPORTED},
  {"device_missing", VIR_ERR_DEVICE_MISSING},
  {"internal_error", VIR_ERR_INTERNAL_ERROR},
  {"invalid_arg", VIR_ERR_INVALID_ARG},
  {"no_connect", VIR_ERR_NO_CONNECT},
  {"no_domain", VIR_ERR_NO_DOMAIN},
  {"no_support", VIR_ERR_NO_SUPPORT},
  {"operation_aborted", VIR_ERR_OPERATION_ABORTED},
  {"operation_denied", VIR_ERR_OPERATION_DENIED},
  {"operation_failed", VIR_ERR_OPERATION_FAILED},
  {"operation_invalid", VIR_ERR_OPERATION_INVALID},
  {"operation_timeout", VIR_ERR_OPERATION_TIMEOUT},
  {"operation_unsupported", VIR_ERR_OPERATION_UNSUPPORTED},
  {"rpc", VIR_ERR_RPC},
  {"system_error", VIR_ERR_SYSTEM_ERROR},
};

/* ---- what happens to a call ---- */

/* libvirt has no public function for that; the private one is there for its drivers. */
void faults_set_error(const faults_call *c)
{
  int (*set)(virErrorPtr) = (int (*)(virErrorPtr))dlsym(RTLD_DEFAULT, "virSetError");
  char message[128];
  snprintf(message, sizeof message, "injected: %s, call %u", c->name, c->index);
  virError error = {.code = c->failed, .domain = VIR_FROM_QEMU, .level = VIR_ERR_ERROR, .message = message};
  virInitialize();
  if (set)
    set(&error);
}

static bool meets(const fault *f, const faults_call *c)
{
  unsigned n = f->name ? c->times : c->index;
  return (!f->name || strcmp(f->name, c->name) == 0) && n >= f->first && n <= f->last;
}

static void strike(const fault *f, faults_call *c)
{
  switch (f->what) {
  case FAIL:
    c->failed = (int)f->number;
    faults_set_error(c);
    break;
  case HANG: {
    struct timespec left = {.tv_sec = f->number};
    while (nanosleep(&left, &left) < 0 && errno == EINTR)
      ;
    break;
  }
  case KILL:
    kill(f->number ? (pid_t)f->number : getpid(), SIGKILL);
    break;
  case LOSE:
    c->failed = VIR_ERR_NO_SUPPORT; /* an event: nobody sees it */
    break;
  }
}

static void strike_all(faults_call *c, bool after)
{
  for (int i = 0; c->counts && i < fault_count; i++)
    if (faults[i].after == after && meets(&faults[i], c))
      strike(&faults[i], c);
}

/* One write a line: threads do not mix theirs, and a line is there before a fault kills. */
static void write_log(const faults_call *c, const char *object, const char *device)
{
  static const char *const words[] = {[FAIL] = "fail", [HANG] = "hang", [KILL] = "kill", [LOSE] = "lose"};
  char line[1024], done[256] = "";
  if (log_fd < 0)
    return;
  for (int i = 0; i < fault_count; i++)
    if (meets(&faults[i], c)) {
      size_t length = strlen(done);
      snprintf(done + length, sizeof done - length, "%s%s%s", length ? "," : "", words[faults[i].what], faults[i].after ? ":after" : "");
    }
  int length =
    snprintf(line, sizeof line, "%u\t%s\t%.400s\t%.200s\t%s\n", c->index, c->name, object ? object : "", device ? device : "", done);
  if (write(log_fd, line, (size_t)length) != length)
    fprintf(stderr, "faults: the log lacks %s", line);
}

/* Whether the caller is none of libvirt's own libraries. */
static bool is_ours(const void *caller)
{
  Dl_info info;
  if (!dladdr(caller, &info) || !info.dli_fname)
    return true;
  const char *slash = strrchr(info.dli_fname, '/');
  return strncmp(slash ? slash + 1 : info.dli_fname, "libvirt", 7) != 0;
}

faults_call faults_begin(const char *name, atomic_uint *times, const void *caller, const char *object, const char *device)
{
  faults_call c = {.name = name, .counts = is_ours(caller)};
  if (!c.counts)
    return c;
  c.index = 1 + atomic_fetch_add(&call_count, 1);
  c.times = 1 + atomic_fetch_add(times, 1);
  write_log(&c, object, device);
  strike_all(&c, false);
  return c;
}

bool faults_is_lost(faults_call *c)
{
  strike_all(c, true);
  return c->failed;
}

const char *faults_guest_of(virDomainPtr dom)
{
  return dom ? virDomainGetName(dom) : NULL;
}

void *faults_real(const char *name)
{
  void *function = dlsym(RTLD_NEXT, name);
  if (!function) {
    fprintf(stderr, "faults: this libvirt has no %s\n", name);
    abort();
  }
  return function;
}

bool faults_is_delivered(const char *name, atomic_uint *times, virDomainPtr dom, const char *device)
{
  faults_call c = {.name = name, .counts = true, .times = 1 + atomic_fetch_add(times, 1)};
  write_log(&c, faults_guest_of(dom), device);
  strike_all(&c, false);
  return !c.failed;
}

/* ---- what the environment says ---- */

static _Noreturn void cannot(const char *what, const char *where)
{
  fprintf(stderr, "faults: %s: '%s'\n", what, where);
  _exit(EXIT_SYNTAX);
}

/* A digit first: strtol alone would take blanks and signs. */
static bool read_number(const char *text, long max, long *number, const char **end)
{
  char *rest = NULL;
  errno = 0;
  *number = *text >= '0' && *text <= '9' ? strtol(text, &rest, 10) : -1;
  *end = rest;
  return rest && errno == 0 && *number <= max;
}

static bool read_which(const char *text, fault *f)
{
  const char *end;
  long n;
  f->first = 1;
  f->last = UINT_MAX;
  if (strcmp(text, "*") == 0)
    return true;
  if (!read_number(text, INT_MAX, &n, &end) || n < 1)
    return false;
  f->first = (unsigned)n;
  if (strcmp(end, "+") == 0)
    return true;
  f->last = (unsigned)n;
  return !*end;
}

static bool read_what(const char *text, fault *f)
{
  const char *end;
  f->what = FAIL;
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
    if (strcmp(text, codes[i].name) == 0) {
      f->number = codes[i].code;
      return true;
    }
  if (strcmp(text, "kill") == 0) {
    f->what = KILL;
    return true;
  }
  long max = INT_MAX;
  if (strncmp(text, "hang=", 5) == 0) {
    f->what = HANG;
    max = MAX_HANG;
    text += 5;
  } else if (strncmp(text, "kill=", 5) == 0) {
    f->what = KILL;
    text += 5;
  }
  return read_number(text, max, &f->number, &end) && f->number > 0 && !*end;
}

/* A name that guestlua does not call would never be met. */
static bool is_known(const char *name)
{
  Dl_info here, there;
  if (faults_is_event(name))
    return true;
  void *function = dlsym(RTLD_DEFAULT, name);
  return function && dladdr(function, &there) && dladdr((void *)is_known, &here) && there.dli_fbase == here.dli_fbase;
}

/* text is kept: the fault's name is a part of it. */
static bool read_fault(char *text, fault *f)
{
  bool event = strncmp(text, FAULTS_EVENT, strlen(FAULTS_EVENT)) == 0;
  char *rest = text + (event ? strlen(FAULTS_EVENT) : 0);
  strsep(&rest, ":"); /* text is the call now */
  char *what = strsep(&rest, ":"), *which = strchr(text, '#');
  if (which) {
    *which++ = 0;
    f->name = text;
  } else {
    which = text;
  }
  f->after = rest && strcmp(rest, "after") == 0;
  if ((rest && !f->after) || (event && (f->after || !f->name)) || !read_which(which, f) || (f->name && !is_known(f->name)))
    return false;
  if (event && !what) {
    f->what = LOSE;
    return true;
  }
  return what && read_what(what, f) && !(event && f->what == FAIL);
}

/* What our process starts must not load this: libvirt hands LD_PRELOAD on to the emulators. */
__attribute__((constructor)) static void start(void)
{
  const char *path = getenv("GUESTLUA_FAULT_LOG"), *wanted = getenv("GUESTLUA_FAULT");
  if (path) {
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    log_fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, LOG_FD); /* out of the way: the program's own get the numbers that they always get */
    if (log_fd < 0)
      cannot("cannot write the log", path);
    close(fd);
  }
  static char kept[4096];
  if (wanted && strlen(wanted) >= sizeof kept)
    cannot("too long", wanted);
  strcpy(kept, wanted ? wanted : "");
  for (char *rest = kept, *one; (one = strsep(&rest, ",")) && wanted;) {
    char shown[256];
    snprintf(shown, sizeof shown, "%s", one);
    if (fault_count == MAX_FAULTS)
      cannot("too many faults", shown);
    if (*one && !read_fault(one, &faults[fault_count++]))
      cannot("not a fault", shown);
  }
  unsetenv("GUESTLUA_FAULT_LOG");
  unsetenv("GUESTLUA_FAULT");
  unsetenv("LD_PRELOAD");
}
