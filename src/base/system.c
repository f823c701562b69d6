#include "base/system.h"

#include <errno.h>
#include <lauxlib.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* core.timestamp(): now, as in "2026-01-31T23:59:59.123Z" */
static int timestamp(lua_State *L)
{
  char text[40];
  struct timeval now;
  struct tm tm;
  gettimeofday(&now, NULL);
  size_t length = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", gmtime_r(&now.tv_sec, &tm));
  snprintf(text + length, sizeof text - length, ".%03dZ", (int)(now.tv_usec / 1000));
  lua_pushstring(L, text);
  return 1;
}

static FILE *check_file(lua_State *L)
{
  luaL_Stream *file = luaL_checkudata(L, 1, LUA_FILEHANDLE);
  return file->closef ? file->f : NULL;
}

/* core.write_whole(file, text): in one piece, after the contents of the file's buffer. Failure is not reported: a log has nowhere to
 * report it. */
static int write_whole(lua_State *L)
{
  FILE *file = check_file(L);
  size_t length;
  const char *text = luaL_checklstring(L, 2, &length);
  if (!file || fflush(file) != 0)
    return 0;
  for (ssize_t n; length > 0; text += n, length -= (size_t)n) {
    n = write(fileno(file), text, length);
    if (n < 0 && errno != EINTR)
      break;
    n = n < 0 ? 0 : n;
  }
  return 0;
}

/* core.columns(file): the columns and rows of the file's terminal, nil if it is not on one. */
static int columns(lua_State *L)
{
  FILE *file = check_file(L);
  struct winsize size = {0};
  if (!file || !isatty(fileno(file)) || ioctl(fileno(file), TIOCGWINSZ, &size) < 0)
    return 0;
  lua_pushinteger(L, size.ws_col ? size.ws_col : 80);
  lua_pushinteger(L, size.ws_row ? size.ws_row : 24);
  return 2;
}

void gl_system_open(lua_State *L)
{
  static const luaL_Reg functions[] = {{"timestamp", timestamp}, {"write_whole", write_whole}, {"columns", columns}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
