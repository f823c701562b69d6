/*
 * What a process reaches by calls of the kernel's: for spec/sandbox/process_spec.lua.
 *
 * As a library that is loaded before others, os.clock() gives a number with a bit for each row of the table below that it reaches. As a
 * program, `reach LAYER`, it enters one of the layers of src/program/confine.c, and prints the names of what it reaches in it.
 */
#include "../../src/program/confine.c"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

static bool can_read(void)
{
  return syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY) >= 0;
}

static bool can_write(void)
{
  long fd = syscall(SYS_openat, AT_FDCWD, "/tmp", O_TMPFILE | O_RDWR, 0600);
  return fd >= 0;
}

static bool can_list(void)
{
  return syscall(SYS_openat, AT_FDCWD, "/", O_RDONLY | O_DIRECTORY) >= 0;
}

static bool can_fork(void)
{
  long pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
  if (pid == 0)
    syscall(SYS_exit, 0);
  return pid > 0;
}

static bool can_execute(void)
{
  char *argv[] = {"/nonesuch", NULL};
  return syscall(SYS_execve, "/nonesuch", argv, argv + 1) < 0 && errno == ENOENT; /* it looked */
}

static bool can_make_socket(void)
{
  return syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0) >= 0;
}

static bool can_connect(void)
{
  struct sockaddr_in nobody = {.sin_family = AF_INET, .sin_port = htons(1), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  long fd = syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
  return fd >= 0 && (syscall(SYS_connect, fd, &nobody, sizeof nobody) == 0 || errno == ECONNREFUSED);
}

static bool can_signal(void)
{
  return syscall(SYS_kill, getppid(), 0) == 0;
}

static bool can_trace(void)
{
  return syscall(SYS_ptrace, PTRACE_SEIZE, 0x3fffffff, NULL, NULL) == 0 || errno == ESRCH; /* it looked for that one */
}

static bool can_map_code(void)
{
  return (long)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != -1;
}

static bool can_make_file_in_memory(void)
{
  return syscall(SYS_memfd_create, "x", 0) >= 0;
}

static bool can_copy_descriptor(void)
{
  return syscall(SYS_dup, 1) >= 0;
}

static bool can_make_namespace(void)
{
  return syscall(SYS_unshare, 0x10000000) == 0 || errno == EINVAL || errno == ENOSPC;
}

static bool can_set_limits(void)
{
  struct rlimit none;
  return syscall(SYS_prlimit64, 0, RLIMIT_CORE, NULL, &none) == 0;
}

static bool can_use_ring(void)
{
  char parameters[120] = {0};
  return syscall(SYS_io_uring_setup, 1, parameters) >= 0 || errno == EINVAL;
}

static const struct {
  const char *name;
  bool (*reaches)(void);
} all[] = {{"read", can_read},           {"write", can_write},
           {"list", can_list},           {"fork", can_fork},
           {"execute", can_execute},     {"socket", can_make_socket},
           {"connect", can_connect},     {"signal", can_signal},
           {"map_code", can_map_code},   {"memory_file", can_make_file_in_memory},
           {"dup", can_copy_descriptor}, {"limits", can_set_limits},
           {"ring", can_use_ring},       {"namespace", can_make_namespace},
           {"trace", can_trace}};

enum { COUNT = sizeof all / sizeof *all };

/* In the place of libc's. */
__attribute__((visibility("default"))) clock_t clock(void)
{
  clock_t reached = 0;
  for (int i = 0; i < COUNT; i++)
    reached |= all[i].reaches() ? 1 << i : 0;
  return reached * CLOCKS_PER_SEC;
}

static bool enter(const char *layer)
{
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (strcmp(layer, "limits") == 0)
    return limit_rest(60);
  if (strcmp(layer, "landlock") == 0)
    return enter_landlock();
  if (strcmp(layer, "seccomp") == 0)
    return enter_seccomp();
  return strcmp(layer, "none") == 0;
}

int main(int argc, char **argv)
{
  static char line[BUFSIZ];
  setvbuf(stdout, line, _IOFBF, sizeof line);
  if (argc != 2 || !enter(argv[1])) {
    puts("missing");
    return 0;
  }
  for (int i = 0; i < COUNT; i++)
    if (all[i].reaches())
      printf("%s ", all[i].name);
  puts("");
  return 0;
}
