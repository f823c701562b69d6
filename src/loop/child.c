#define _GNU_SOURCE /* pipe2, execvpe */
#include "loop/child.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* ---- in the child, between fork and exec: nothing but what may be done in a signal handler ---- */

static _Noreturn void give_up(int parent)
{
  int why = errno;
  ssize_t written = write(parent, &why, sizeof why);
  _exit(written == sizeof why ? 127 : 126);
}

/* fds: none of them is below fd_count. */
static void set_descriptors(const gl_child_options *options, const int *fds, int parent)
{
  for (int i = 0; i < options->fd_count; i++) {
    int fd = fds[i] >= 0 ? fds[i] : open("/dev/null", i == 0 ? O_RDONLY : O_RDWR);
    if (fd < 0 || (fd != i && dup2(fd, i) < 0))
      give_up(parent);
    if (fds[i] < 0 && fd != i)
      close(fd);
  }
}

static _Noreturn void become(const gl_child_options *options, const int *fds, int parent)
{
  char go;
  sigset_t none;
  while (read(parent, &go, 1) < 0 && errno == EINTR) /* until the parent has what tells it of the end */
    ;
  setsid();
  set_descriptors(options, fds, parent);
  if (options->cwd && chdir(options->cwd) < 0)
    give_up(parent);
  for (int signo = 1; signo < NSIG; signo++)
    if (signo != SIGKILL && signo != SIGSTOP)
      signal(signo, SIG_DFL);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  if (options->env)
    environ = options->env;
  execvp(options->file ? options->file : options->args[0], options->args);
  give_up(parent);
}

/* ---- in the parent ---- */

static void collect(gl_child *c, int flags)
{
  int status = 0, pid;
  while ((pid = waitpid(c->pid, &status, flags)) < 0 && errno == EINTR)
    ;
  if (pid == 0) /* not yet */
    return;
  c->exited = true;
  c->code = pid < 0 ? -1 : WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  c->signo = pid > 0 && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
  gl_child *c = (gl_child *)poll;
  (void)status;
  (void)events;
  collect(c, WNOHANG);
  if (!c->exited)
    return;
  uv_poll_stop(&c->poll);
  c->on_exit(c);
}

/* No handler of this process's runs in the child. */
static int fork_quietly(void)
{
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int pid = fork();
  if (pid == 0)
    return 0;
  int why = errno;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  errno = why;
  return pid;
}

typedef struct looker {
  int pid, fd;
} looker;

/* A thread: closes the descriptor when the process has ended, which it leaves to be collected, or was collected. */
static void *look(void *about)
{
  looker *l = about;
  siginfo_t info;
  while (waitid(P_PID, (id_t)l->pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
    ;
  close(l->fd);
  free(l);
  return NULL;
}

static int end_seen_by_thread(int pid)
{
  int fds[2];
  pthread_t thread;
  looker *l = malloc(sizeof *l);
  if (!l || pipe2(fds, O_CLOEXEC) < 0) {
    free(l);
    return -1;
  }
  *l = (looker){pid, fds[1]};
  int why = pthread_create(&thread, NULL, look, l);
  if (why) {
    close(fds[0]);
    close(fds[1]);
    free(l);
    errno = why;
    return -1;
  }
  pthread_detach(thread);
  return fds[0];
}

/* A descriptor that is readable once the process has ended: valgrind of Debian 12, and kernels before 5.3, have no pidfd. -1: errno. */
static int end_of(int pid)
{
  int fd = (int)syscall(SYS_pidfd_open, pid, 0);
  return fd < 0 && errno == ENOSYS ? end_seen_by_thread(pid) : fd;
}

/* talk: our end of the socket on which the child is told to begin, and says why it cannot. 0, or libuv's error. */
static int begin(uv_loop_t *loop, gl_child *c, int talk)
{
  int why = 0, fd = end_of(c->pid);
  if (fd < 0 || send(talk, "", 1, MSG_NOSIGNAL) < 0) {
    why = errno;
  } else {
    while (read(talk, &why, sizeof why) < 0 && errno == EINTR)
      ;
  }
  int error = why ? uv_translate_sys_error(why) : uv_poll_init(loop, &c->poll, fd);
  if (!error) {
    uv_poll_start(&c->poll, UV_READABLE, on_readable);
    return 0;
  }
  if (fd >= 0)
    close(fd);
  kill(c->pid, SIGKILL);
  collect(c, 0);
  c->pid = 0;
  return error;
}

/* fds: those of the options, all of them above what the child has; the last is the child's end of the socket. */
static int start(uv_loop_t *loop, gl_child *c, const gl_child_options *options, const int *fds, int talk)
{
  int pid = fork_quietly();
  if (pid < 0)
    return uv_translate_sys_error(errno);
  if (pid == 0) {
    close(talk);
    become(options, fds, fds[options->fd_count]);
  }
  close(fds[options->fd_count]);
  c->pid = pid;
  return begin(loop, c, talk);
}

int gl_child_start(uv_loop_t *loop, gl_child *c, const gl_child_options *options)
{
  enum { MOST = 4 };
  int talk[2], fds[MOST + 1], count = options->fd_count, made = 0, error = 0;
  c->pid = 0;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, talk) < 0)
    return uv_translate_sys_error(errno);
  for (; made <= count && !error; made++) {
    int fd = made < count ? options->fds[made] : talk[1];
    fds[made] = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, count);
    error = fd >= 0 && fds[made] < 0 ? uv_translate_sys_error(errno) : 0;
  }
  close(talk[1]);
  if (!error)
    error = start(loop, c, options, fds, talk[0]);
  else if (made > count && fds[count] >= 0)
    close(fds[count]);
  close(talk[0]);
  for (int i = 0; i < made && i < count; i++)
    if (fds[i] >= 0)
      close(fds[i]);
  return error;
}

void gl_child_kill(gl_child *c)
{
  if (!c->pid || c->exited)
    return;
  kill(c->pid, SIGKILL);
  collect(c, 0);
  uv_poll_stop(&c->poll);
}

void gl_child_close(gl_child *c, uv_close_cb on_closed)
{
  int fd = -1;
  uv_fileno((uv_handle_t *)&c->poll, &fd);
  uv_close((uv_handle_t *)&c->poll, on_closed); /* it has the loop forget the descriptor, whoever has its number by now */
  close(fd);
}
