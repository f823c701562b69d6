/* core.lock: marks something as in use, by a lock that ends with its owner, however the owner ends. */
#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

/* Room for the owner's description of itself. */
#define ROOM 4096

typedef struct lock {
  int fd; /* negative once it is released */
  pid_t owner;
  char path[];
} lock;

static const char class_name[] = "guestlua.lock";

/* Whether the path still names the open file: each owner removes its file at the end, and the next one makes another. */
static bool is_current(int fd, const char *path)
{
  struct stat open_file, named;
  return fstat(fd, &open_file) == 0 && lstat(path, &named) == 0 && open_file.st_dev == named.st_dev && open_file.st_ino == named.st_ino;
}

/* The descriptor of the file, made if it is missing. *on is what it is of: on a file system that is read-only by now, nobody makes a lock,
 * and the directory stands for those that are not there. */
static int open_file(const char *path, char on[PATH_MAX])
{
  const int how = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  if (snprintf(on, PATH_MAX, "%s", path) >= PATH_MAX) {
    errno = ENAMETOOLONG;
    return -1;
  }
  int fd = open(path, O_RDWR | O_CREAT | how, 0600);
  if (fd >= 0 || errno != EROFS)
    return fd;
  fd = open(path, O_RDONLY | how);
  char *slash = strrchr(on, '/');
  if (fd >= 0 || errno != ENOENT || !slash)
    return fd;
  *slash = '\0';
  return open(on, O_RDONLY | O_DIRECTORY | how);
}

/* Gives the descriptor of the file, locked; -1 with EWOULDBLOCK if somebody else has it; *holder is then the text of the file. */
static int take(const char *path, char *holder)
{
  char on[PATH_MAX];
  for (;;) {
    int fd = open_file(path, on);
    if (fd < 0)
      return -1;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
      if (is_current(fd, on))
        return fd;
    } else if (errno != EINTR) {
      int why = errno;
      ssize_t n = pread(fd, holder, ROOM - 1, 0);
      holder[n < 0 ? 0 : n] = '\0';
      close(fd);
      errno = why;
      return -1;
    }
    close(fd);
  }
}

/* core.lock(path): a Lock, or nil and the text that its holder wrote. */
static int make(lua_State *L)
{
  char holder[ROOM];
  const char *path = luaL_checkstring(L, 1);
  lock *l = lua_newuserdatauv(L, sizeof *l + strlen(path) + 1, 0);
  l->fd = -1;
  l->owner = getpid();
  strcpy(l->path, path);
  luaL_setmetatable(L, class_name);
  l->fd = take(path, holder);
  if (l->fd >= 0)
    return 1;
  if (errno != EWOULDBLOCK)
    gl_error_throw(L, "system_error", "cannot lock '%s': %s", path, strerror(errno));
  lua_pushnil(L);
  lua_pushstring(L, holder);
  return 2;
}

/* lock:write(text): the text for others that find it taken. It is for people: if there is no room for it, the lock holds all the same.
 */
static int write_text(lua_State *L)
{
  lock *l = luaL_checkudata(L, 1, class_name);
  size_t length;
  const char *text = luaL_checklstring(L, 2, &length);
  if (ftruncate(l->fd, 0) == 0 && pwrite(l->fd, text, length, 0) != (ssize_t)length)
    (void)!ftruncate(l->fd, 0);
  return 0;
}

/* lock:release(), and when it is closed or collected. The file is removed while it is locked: others that opened it meanwhile find that it
 * is not the current one. The child of a fork leaves the lock to its parent. */
static int release(lua_State *L)
{
  lock *l = luaL_checkudata(L, 1, class_name);
  if (l->fd < 0)
    return 0;
  if (l->owner == getpid() && is_current(l->fd, l->path))
    unlink(l->path);
  close(l->fd);
  l->fd = -1;
  return 0;
}

/* core.lock_holder(path): whether somebody has the lock: true and the text the holder wrote, false, or nil and why that cannot be seen
 * ("missing": there is no such file). */
static int holder(lua_State *L)
{
  char text[ROOM];
  const char *path = luaL_checkstring(L, 1);
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) {
    lua_pushnil(L);
    lua_pushstring(L, errno == ENOENT ? "missing" : strerror(errno));
    return 2;
  }
  bool is_held = flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
  ssize_t n = is_held ? pread(fd, text, sizeof text - 1, 0) : 0;
  close(fd);
  lua_pushboolean(L, is_held);
  lua_pushlstring(L, text, n < 0 ? 0 : (size_t)n);
  return 2;
}

void gl_lock_open(lua_State *L)
{
  static const luaL_Reg functions[] = {{"lock", make}, {"lock_holder", holder}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"write", write_text}, {"release", release}, {"__gc", release}, {"__close", release}, {NULL, NULL}};
  luaL_newmetatable(L, class_name);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}
