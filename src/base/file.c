#define _GNU_SOURCE /* mkostemp, memfd_create */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/error.h"
#include "base/owned.h"

void gl_file_fail(lua_State *L, const char *what, const char *path, int error)
{
  const char *kind = error == ENOSPC || error == EDQUOT ? "no_space" : "system_error";
  gl_error_throw(L, kind, "cannot %s '%s': %s", what, path, strerror(error));
}

static _Noreturn void cannot(lua_State *L, const char *what, const char *path)
{
  gl_file_fail(L, what, path, errno);
}

/* Makes changes of names in the path's directory durable. */
static int sync_directory_of(const char *path)
{
  char copy[PATH_MAX];
  snprintf(copy, sizeof copy, "%s", path);
  int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return -1;
  int rc = fsync(fd);
  close(fd);
  return rc;
}

int gl_file_write_all(int fd, const char *text, size_t length)
{
  while (length > 0) {
    ssize_t n = write(fd, text, length);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return -1;
    text += n;
    length -= (size_t)n;
  }
  return 0;
}

int gl_file_write(const char *path, const char *text, size_t length, mode_t mode)
{
  char new[PATH_MAX];
  if (snprintf(new, sizeof new, "%s.XXXXXX", path) >= (int)sizeof new)
    return ENAMETOOLONG;
  int fd = mkostemp(new, O_CLOEXEC);
  if (fd < 0)
    return errno;
  int rc = gl_file_write_all(fd, text, length) < 0 || fchmod(fd, mode) < 0 || fsync(fd) < 0 ? -1 : 0;
  if (close(fd) == 0 && rc == 0 && rename(new, path) == 0 && sync_directory_of(path) == 0)
    return 0;
  int why = errno;
  unlink(new);
  return why;
}

/* core.write_file(path, text, mode): see gl_file_write. mode: default 0600. */
static int write_file(lua_State *L)
{
  size_t length;
  const char *path = luaL_checkstring(L, 1), *text = luaL_checklstring(L, 2, &length);
  int why = gl_file_write(path, text, length, (mode_t)luaL_optinteger(L, 3, 0600));
  if (why)
    gl_file_fail(L, "write", path, why);
  return 0;
}

static int distrust(lua_State *L, int fd, const char *why)
{
  if (fd >= 0)
    close(fd);
  lua_pushnil(L);
  lua_pushstring(L, why);
  return 2;
}

/* Why the open file is not to be trusted: another user owns it, or others can write to it. NULL: it is. */
static const char *reason_to_distrust(const struct stat *st)
{
  if (st->st_uid != 0 && st->st_uid != geteuid())
    return "it belongs to another user";
  return st->st_mode & (S_IWGRP | S_IWOTH) ? "other users can write to it" : NULL;
}

/* core.distrust_directory(path): why the contents of the directory are not to be trusted; nil: they are, or there is no directory. */
static int distrust_directory(lua_State *L)
{
  struct stat st;
  if (stat(luaL_checkstring(L, 1), &st) < 0)
    lua_pushstring(L, errno == ENOENT ? NULL : strerror(errno));
  else
    lua_pushstring(L, S_ISDIR(st.st_mode) ? reason_to_distrust(&st) : "it is no directory");
  return 1;
}

/* core.read_file(path, most): the contents of a file of at most so many bytes that nobody else can have written, or nil and the reason. */
static int read_file(lua_State *L)
{
  struct stat st;
  const char *path = luaL_checkstring(L, 1);
  lua_Integer most = luaL_checkinteger(L, 2);
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (fd < 0 || fstat(fd, &st) < 0)
    return distrust(L, fd, errno == ELOOP ? "it is a symbolic link" : strerror(errno));
  if (!S_ISREG(st.st_mode))
    return distrust(L, fd, "it is no regular file");
  if (reason_to_distrust(&st))
    return distrust(L, fd, reason_to_distrust(&st));
  if (st.st_size > most)
    return distrust(L, fd, lua_pushfstring(L, "it has more than %I bytes", (LUAI_UACINT)most));
  size_t length = 0;
  char *text = malloc((size_t)st.st_size + 1);
  ssize_t n = 1;
  while (text && n > 0 && length < (size_t)st.st_size) {
    n = read(fd, text + length, (size_t)st.st_size - length);
    length += n > 0 ? (size_t)n : 0;
  }
  if (n < 0) { /* part of it is not what the file has */
    int why = errno;
    free(text);
    return distrust(L, fd, strerror(why));
  }
  close(fd);
  if (!text)
    return luaL_error(L, "guestlua: out of memory");
  gl_owned_push(L, text, length, text, free);
  return 1;
}

/* core.remove_file(path): gone when it returns; one that is not there, or with its directory is not, is fine. */
static int remove_file(lua_State *L)
{
  const char *path = luaL_checkstring(L, 1);
  if ((unlink(path) < 0 && errno != ENOENT) || (sync_directory_of(path) < 0 && errno != ENOENT))
    cannot(L, "remove", path);
  return 0;
}

/* core.make_directory(path, mode): with those above it, for this user only. mode: of those that are made, and of the last one even so. */
static int make_directory(lua_State *L)
{
  char path[PATH_MAX];
  size_t length;
  const char *wanted = luaL_checklstring(L, 1, &length);
  if (length == 0 || length >= sizeof path)
    gl_file_fail(L, "make the directory", wanted, length ? ENAMETOOLONG : ENOENT);
  memcpy(path, wanted, length + 1);
  bool given = !lua_isnoneornil(L, 2);
  mode_t mode = (mode_t)luaL_optinteger(L, 2, 0700);
  for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
    if (slash)
      *slash = '\0';
    bool made = mkdir(path, mode) == 0;
    if ((!made && errno != EEXIST) || (given && (made || !slash) && chmod(path, mode) < 0))
      cannot(L, "make the directory", path);
    if (!slash)
      return 0;
    *slash = '/';
  }
}

/* core.list_directory(path): the names in it, in order; none if there is no directory. */
static int list_directory(lua_State *L)
{
  const char *path = luaL_checkstring(L, 1);
  struct dirent **names;
  int count = scandir(path, &names, NULL, alphasort);
  if (count < 0 && errno != ENOENT)
    cannot(L, "read", path);
  lua_newtable(L);
  for (int i = 0; i < count; i++) {
    if (names[i]->d_name[0] != '.') {
      lua_pushstring(L, names[i]->d_name);
      lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    }
    free(names[i]);
  }
  if (count >= 0)
    free(names);
  return 1;
}

/* core.sync_file(path): what was written to it, and its name, last from now on. */
static int sync_file(lua_State *L)
{
  const char *path = luaL_checkstring(L, 1);
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  int rc = fd < 0 ? -1 : fsync(fd), why = errno;
  if (fd >= 0)
    close(fd);
  errno = why;
  if (rc < 0 || sync_directory_of(path) < 0)
    cannot(L, "write", path);
  return 0;
}

/* core.absolute(path): the same file's path from the root, for those who work in another directory. */
static int absolute(lua_State *L)
{
  const char *path = luaL_checkstring(L, 1);
  char here[PATH_MAX];
  if (*path == '/')
    return lua_settop(L, 1), 1;
  if (!getcwd(here, sizeof here))
    cannot(L, "find the directory of", path);
  while (path[0] == '.' && path[1] == '/')
    path += 1 + strspn(path + 1, "/");
  lua_pushfstring(L, "%s/%s", strcmp(here, "/") == 0 ? "" : here, strcmp(path, ".") == 0 ? "" : path);
  return 1;
}

/* core.free_space(path): how many bytes this user may still write to the file system of a path; nil and why that is not known. */
static int free_space(lua_State *L)
{
  struct statvfs fs;
  if (statvfs(luaL_checkstring(L, 1), &fs) < 0)
    return distrust(L, -1, strerror(errno));
  lua_pushinteger(L, (lua_Integer)(fs.f_frsize * (geteuid() == 0 ? fs.f_bfree : fs.f_bavail)));
  return 1;
}

/* core.user(): the number of the user that this process acts as. */
static int user(lua_State *L)
{
  lua_pushinteger(L, geteuid());
  return 1;
}

static const char secret_file_class[] = "guestlua.secret_file";

static int close_secret_file(lua_State *L)
{
  int *fd = luaL_checkudata(L, 1, secret_file_class);
  if (*fd >= 0)
    close(*fd);
  *fd = -1;
  return 0;
}

static int secret_file_path(lua_State *L)
{
  const int *fd = luaL_checkudata(L, 1, secret_file_class);
  if (*fd < 0)
    return luaL_error(L, "the file is closed");
  lua_pushfstring(L, "/proc/%d/fd/%d", (int)getpid(), *fd);
  return 1;
}

/* core.secret_file(text): a file in memory that programs of this user read by its path() until it is closed, or this process ends in any
 * way. */
static int secret_file(lua_State *L)
{
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  int *fd = lua_newuserdatauv(L, sizeof *fd, 0);
  *fd = -1;
  luaL_setmetatable(L, secret_file_class);
  *fd = memfd_create("secret", MFD_CLOEXEC);
  if (*fd < 0 || gl_file_write_all(*fd, text, length) < 0)
    cannot(L, "make", "a file in memory");
  return 1;
}

int gl_file_secret(lua_State *L, int index)
{
  const int *fd = luaL_testudata(L, index, secret_file_class);
  return fd ? *fd : -1;
}

/* core.process(): the number of this process, as its children see it. */
static int process(lua_State *L)
{
  lua_pushinteger(L, getpid());
  return 1;
}

void gl_file_open(lua_State *L)
{
  static const luaL_Reg methods[] = {
    {"path", secret_file_path}, {"close", close_secret_file}, {"__gc", close_secret_file}, {"__close", close_secret_file}, {NULL, NULL}};
  luaL_newmetatable(L, secret_file_class);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  static const luaL_Reg functions[] = {{"write_file", write_file},
                                       {"remove_file", remove_file},
                                       {"make_directory", make_directory},
                                       {"list_directory", list_directory},
                                       {"distrust_directory", distrust_directory},
                                       {"read_file", read_file},
                                       {"sync_file", sync_file},
                                       {"absolute", absolute},
                                       {"free_space", free_space},
                                       {"secret_file", secret_file},
                                       {"user", user},
                                       {"process", process},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
