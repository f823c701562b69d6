#include "file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"

static _Noreturn void cannot(lua_State *L, const char *what, const char *path)
{
  gl_error_throw(L, "system_error", "cannot %s '%s': %s", what, path, strerror(errno));
}

/* Makes what was done to names in the path's directory last. */
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

static int write_all(int fd, const char *text, size_t length)
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

/* core.write_file(path, text): in one step, as far as a reader or a crash can tell, and on the disk when it returns. */
static int write_file(lua_State *L)
{
  size_t length;
  const char *path = luaL_checkstring(L, 1), *text = luaL_checklstring(L, 2, &length);
  const char *new = lua_pushfstring(L, "%s.new", path);
  int fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    cannot(L, "write", new);
  int rc = write_all(fd, text, length) < 0 || fsync(fd) < 0 ? -1 : 0;
  if (close(fd) < 0 || rc < 0 || rename(new, path) < 0 || sync_directory_of(path) < 0) {
    int why = errno;
    unlink(new);
    errno = why;
    cannot(L, "write", path);
  }
  return 0;
}

/* core.remove_file(path): gone when it returns; one that is not there is fine. */
static int remove_file(lua_State *L)
{
  const char *path = luaL_checkstring(L, 1);
  if ((unlink(path) < 0 && errno != ENOENT) || sync_directory_of(path) < 0)
    cannot(L, "remove", path);
  return 0;
}

/* core.make_directory(path): with those above it, for this user only. */
static int make_directory(lua_State *L)
{
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s", luaL_checkstring(L, 1));
  for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
    if (slash)
      *slash = '\0';
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
      cannot(L, "make the directory", path);
    if (!slash)
      return 0;
    *slash = '/';
  }
}

/* core.list_directory(path): the names in it, in order; none where it is not there. */
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

void gl_file_open(lua_State *L)
{
  static const luaL_Reg functions[] = {{"write_file", write_file},
                                       {"remove_file", remove_file},
                                       {"make_directory", make_directory},
                                       {"list_directory", list_directory},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
