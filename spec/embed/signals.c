/* The program's own SIGCHLD, while scripts run programs; with a second argument on a system that has no pidfds. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static volatile sig_atomic_t heard;

static void on_child(int signo)
{
  (void)signo;
  heard++;
}

static void dispose(void (*handler)(int))
{
  const struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
  CHECK(sigaction(SIGCHLD, &action, NULL) == 0);
}

static void check_disposition(void (*handler)(int))
{
  struct sigaction now;
  CHECK(sigaction(SIGCHLD, NULL, &now) == 0 && now.sa_handler == handler);
}

static void take_pidfds(void)
{
  struct sock_filter rows[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog filter = {sizeof rows / sizeof *rows, rows};
  CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0);
  CHECK(syscall(SYS_pidfd_open, getpid(), 0) < 0 && errno == ENOSYS);
}

int main(int argc, char **argv)
{
  CHECK(argc >= 2);
  if (argc == 3)
    take_pidfds();
  dispose(on_child);
  lua_State *L = new_state(&(guestlua_options){.size = sizeof(guestlua_options), .sandbox = true, .uri = URI});
  guestlua_sandbox_process(L, &(guestlua_process){.size = sizeof(guestlua_process), .program = argv[1]}, "return 5", 8, "=process");
  CHECK(guestlua_run(L, 0) == LUA_OK && lua_tointeger(L, -1) == 5);
  check_disposition(on_child);
  guestlua_free(L);

  L = new_state(NULL);
  run(L, "assert(guestlua.run('sh', { args = { '-c', 'exit 3' } }) == 3)");
  check_disposition(on_child);

  /* Its handler hears of its own children, which nobody else collects. */
  heard = 0;
  int pid = fork();
  if (pid == 0)
    _exit(7);
  int status;
  CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7 && heard > 0);

  /* A handler that is set while a program runs does not keep that from its end. */
  load(L, "local go = guestlua.signal() guestlua.spawn(function() guestlua.sleep(0) go:wake() end) go:wait()"
          "assert(guestlua.run('sleep', { args = { '0.01' } }) == 0)");
  CHECK(guestlua_spawn(L, 0) == LUA_OK && guestlua_dispatch(L) > 0);
  dispose(SIG_DFL);
  while (guestlua_dispatch(L) > 0)
    ;
  CHECK(guestlua_result(L, 1) == LUA_OK);
  check_disposition(SIG_DFL);

  /* If the kernel collects all children, no exit code is made up. */
  dispose(SIG_IGN);
  run(L, "local ok, e = pcall(guestlua.run, 'false') assert(not ok and e.kind == 'system_error' and e.hint:find('SIGCHLD'), tostring(e))");
  check_disposition(SIG_IGN);
  guestlua_free(L);
  return 0;
}
