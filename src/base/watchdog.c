/*
 * core.watchdog: a shell in a session of its own that waits on a socket. If this process ends without having released it, however it ends,
 * the socket closes, and the shell runs its script.
 */
#define _GNU_SOURCE
#include "base/watchdog.h"

#include <errno.h>
#include <lauxlib.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

#define MOST_ARGUMENTS 8

/* The shell's descriptor of what it is given in memory. */
#define GIVEN 3

typedef struct watchdog {
  int fd;           /* negative once it is released */
  pid_t owner, pid; /* this process; the shell */
} watchdog;

static const char class_name[] = "guestlua.guest.watchdog";

/* With its end of the socket as standard input, and default signal handling. given: negative if there is nothing. */
static int spawn(watchdog *w, int input, int given, char *const *argv, char *const *environment)
{
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", 1, 0);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", 1, 0);
  if (given >= 0)
    posix_spawn_file_actions_adddup2(&files, given, GIVEN);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setsigmask(&attributes, &none);
  int why = posix_spawn(&w->pid, "/bin/sh", &files, &attributes, argv, environment);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  return why;
}

/* This process's environment and one more variable, as an array that Lua owns. [-0, +1, m] */
static char **with_variable(lua_State *L, const char *variable)
{
  size_t count = 0;
  while (environ[count])
    count++;
  char **all = lua_newuserdatauv(L, (count + 2) * sizeof *all, 0);
  memcpy(all, environ, count * sizeof *all);
  all[count] = (char *)variable;
  all[count + 1] = NULL;
  return all;
}

/* core.watchdog(watched, given, script, argument…): /bin/sh -c script argument…, which reads a line if it is released, and end of file if
 * this process has died. It finds `watched` in the environment, as GUESTLUA_WATCHED, and can read what core.secret_file has given, or nil,
 * from the descriptor 3. */
static int make(lua_State *L)
{
  int count = lua_gettop(L), fds[2];
  char *argv[MOST_ARGUMENTS + 3] = {"sh", "-c"};
  luaL_argcheck(L, count <= MOST_ARGUMENTS, count, "too many");
  int given = gl_file_secret(L, 2);
  for (int i = 3; i <= count; i++)
    argv[i - 1] = (char *)luaL_checkstring(L, i);
  char **environment = with_variable(L, lua_pushfstring(L, "GUESTLUA_WATCHED=%s", luaL_checkstring(L, 1)));
  watchdog *w = lua_newuserdatauv(L, sizeof *w, 0);
  w->fd = -1;
  luaL_setmetatable(L, class_name);
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
    gl_error_throw(L, "system_error", "cannot make a socket: %s", strerror(errno));
  int why = spawn(w, fds[1], given, argv, environment);
  close(fds[1]);
  if (why) {
    close(fds[0]);
    gl_error_throw(L, "system_error", "cannot start /bin/sh: %s", strerror(why));
  }
  w->fd = fds[0];
  w->owner = getpid();
  return 1;
}

/* watchdog:release(), and when it is closed or collected: the shell ends without running its script. The child of a fork leaves that to its
 * parent. */
static int release(lua_State *L)
{
  watchdog *w = luaL_checkudata(L, 1, class_name);
  if (w->fd < 0)
    return 0;
  bool own = w->owner == getpid();
  if (own)
    send(w->fd, "\n", 1, MSG_NOSIGNAL);
  close(w->fd);
  w->fd = -1;
  while (own && waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
    ;
  return 0;
}

/* core.command(): the guestlua command: this program if it is guestlua, otherwise the one found. */
static int command(lua_State *L)
{
  char path[PATH_MAX];
  ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
  path[n < 0 ? 0 : n] = '\0';
  const char *slash = strrchr(path, '/');
  lua_pushstring(L, slash && strcmp(slash, "/guestlua") == 0 ? path : "guestlua");
  return 1;
}

void gl_watchdog_open(lua_State *L)
{
  static const luaL_Reg functions[] = {{"watchdog", make}, {"command", command}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"release", release}, {"__gc", release}, {"__close", release}, {NULL, NULL}};
  luaL_newmetatable(L, class_name);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}
