#define _GNU_SOURCE /* close_range, syscall */
#include "program/confine.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Seconds after its time is over in which a process is ended by the kernel if its parent, which watches the clock, cannot. */
enum { LATER = 2 };

/* Bytes beyond what the script may use, of which its state is counted closer: what goes beside that, as in libxml2. */
enum { BESIDE = 64 << 20 };

/* ---- limits ---- */

static bool limit(int what, rlim_t soft, rlim_t hard)
{
  return setrlimit(what, &(struct rlimit){soft, hard}) == 0;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#endif

#ifdef SANITIZED /* its shadow is as large as the address space */
static bool limit_memory(size_t bytes)
{
  return bytes == 0;
}
#else
/* Beyond what it has. */
static bool limit_memory(size_t bytes)
{
  unsigned long pages = 0;
  FILE *file = fopen("/proc/self/statm", "re");
  bool known = file && fscanf(file, "%lu", &pages) == 1;
  if (file)
    fclose(file);
  rlim_t most = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + bytes + BESIDE;
  return bytes == 0 || (known && limit(RLIMIT_AS, most, most));
}
#endif

static bool limit_rest(unsigned seconds)
{
  unsigned end = seconds + LATER;
  alarm(seconds ? end : 0);
  return limit(RLIMIT_CORE, 0, 0) && limit(RLIMIT_NOFILE, 0, 0) && limit(RLIMIT_NPROC, 0, 0) &&
         (seconds == 0 || limit(RLIMIT_CPU, end, end + 1));
}

/* ---- Landlock: no file, no port, no signal to others ---- */

/* linux/landlock.h is as old as the system that this is compiled on. */
struct ruleset {
  uint64_t files, network, scoped;
};

static bool enter_landlock(void)
{
  long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1)
    return false;
  int rights = version >= 5 ? 16 : version >= 3 ? 15 : version >= 2 ? 14 : 13; /* each version knows some more */
  struct ruleset nothing = {.files = (1ULL << rights) - 1, .network = version >= 4 ? 3 : 0, .scoped = version >= 6 ? 3 : 0};
  size_t size = version >= 6 ? sizeof nothing : version >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
  int fd = (int)syscall(SYS_landlock_create_ruleset, &nothing, size, 0);
  bool entered = fd >= 0 && syscall(SYS_landlock_restrict_self, fd, 0) == 0;
  if (fd >= 0)
    close(fd);
  return entered;
}

/* ---- seccomp: the calls that are left ---- */

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#endif

#ifdef ARCHITECTURE

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, what)
#define IF_EQUAL(value, then, otherwise) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, then, otherwise)
#define ALLOW(call) IF_EQUAL(SYS_##call, 0, 1), RETURN(SECCOMP_RET_ALLOW)
#define REFUSE RETURN(SECCOMP_RET_ERRNO | 1) /* EPERM */
/* A mapping that can be run is none; what is looked at is the third argument's lower half. */
#define ALLOW_NO_CODE(call) \
  IF_EQUAL(SYS_##call, 0, 4), LOAD(args[2]), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1), REFUSE, RETURN(SECCOMP_RET_ALLOW)

/* Descriptors are read and written, not made: there are standard output and error, the socket to the parent, and those of the loop. */
static struct sock_filter filter[] = {
  LOAD(arch),
  IF_EQUAL(ARCHITECTURE, 1, 0),
  RETURN(SECCOMP_RET_KILL_PROCESS),
  LOAD(nr),
  ALLOW(read),
  ALLOW(write),
  ALLOW(writev),
  ALLOW(close),
  ALLOW(lseek),
  ALLOW_NO_CODE(mmap),
  ALLOW_NO_CODE(mprotect),
  ALLOW(munmap),
  ALLOW(mremap),
  ALLOW(madvise),
  ALLOW(brk),
  ALLOW(futex),
  ALLOW(clock_gettime),
  ALLOW(gettimeofday),
  ALLOW(clock_nanosleep),
  ALLOW(nanosleep),
  ALLOW(getrandom),
  ALLOW(epoll_ctl),
  ALLOW(epoll_pwait),
#ifdef SYS_epoll_wait /* older machines' */
  ALLOW(epoll_wait),
  ALLOW(time),
#endif
#ifdef SANITIZED
  ALLOW(sigaltstack),
#endif
  ALLOW(rt_sigprocmask),
  ALLOW(rt_sigreturn),
  ALLOW(restart_syscall),
  ALLOW(exit),
  ALLOW(exit_group),
  REFUSE,
};

/* What a ring does no filter sees, and libuv cannot do without one that it has made. */
static struct sock_filter no_rings[] = {
  LOAD(nr),
  IF_EQUAL(SYS_io_uring_setup, 0, 1),
  RETURN(SECCOMP_RET_ERRNO | ENOSYS),
  RETURN(SECCOMP_RET_ALLOW),
};

static bool add_filter(struct sock_filter *rules, size_t count)
{
  struct sock_fprog program = {.len = (unsigned short)count, .filter = rules};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static void forbid_rings(void)
{
  add_filter(no_rings, sizeof no_rings / sizeof *no_rings);
}

static bool enter_seccomp(void)
{
  return add_filter(filter, sizeof filter / sizeof *filter);
}

#else

static void forbid_rings(void)
{
}

static bool enter_seccomp(void)
{
  return false;
}

#endif

/* ---- all of it ---- */

void gl_confine_begin(int highest)
{
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (syscall(SYS_close_range, highest + 1, ~0U, 0) < 0)
    for (int fd = highest + 1; fd < (int)sysconf(_SC_OPEN_MAX); fd++)
      close(fd);
  forbid_rings();
}

const char *gl_confine(gl_confinement *c)
{
  int missing = 0;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return "no_new_privs";
  if (!limit_memory(c->memory)) /* it reads a file */
    c->missing[missing++] = "a limit of the address space";
  if (!enter_landlock())
    c->missing[missing++] = "Landlock";
  if (!limit_rest(c->seconds))
    return "limits of resources";
  if (!enter_seccomp())
    c->missing[missing++] = "seccomp";
  return NULL;
}
