#include "program/confined.h"

#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "guestlua.h"
#include "program/confine.h"

enum { PARENT = 3, HEAD = 4, EXIT_NO_PARENT = 1 };

bool gl_is_confined(char **argv)
{
  return argv[0] && strcmp(argv[0], "guestlua-confined") == 0;
}

/* ---- messages ---- */

/* Without its parent there is nothing that it could do. */
static void send_all(const char *data, size_t size)
{
  while (size > 0) {
    ssize_t n = write(PARENT, data, size);
    if (n < 0 && errno != EINTR)
      _exit(EXIT_NO_PARENT);
    data += n < 0 ? 0 : n;
    size -= n < 0 ? 0 : (size_t)n;
  }
}

static void receive_all(char *data, size_t size)
{
  while (size > 0) {
    ssize_t n = read(PARENT, data, size);
    if (n == 0 || (n < 0 && errno != EINTR))
      _exit(EXIT_NO_PARENT);
    data += n < 0 ? 0 : n;
    size -= n < 0 ? 0 : (size_t)n;
  }
}

/* What has no room is read all the same: the next message comes after it. */
static void skip(size_t size)
{
  for (char some[4096]; size > 0;) {
    size_t n = size < sizeof some ? size : sizeof some;
    receive_all(some, n);
    size -= n;
  }
}

/* ask(request): sends it and waits for the answer. */
static int ask(lua_State *L)
{
  static char *answer; /* kept, so that it is not lost if Lua has no memory for the text */
  static size_t room;
  unsigned char head[HEAD];
  size_t size;
  const char *request = luaL_checklstring(L, 1, &size);
  for (int i = 0; i < HEAD; i++)
    head[i] = size >> 8 * i & 0xff;
  send_all((const char *)head, HEAD);
  send_all(request, size);
  receive_all((char *)head, HEAD);
  size = head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 | (size_t)head[3] << 24;
  if (size > room) {
    char *larger = realloc(answer, size);
    if (!larger) {
      skip(size);
      return luaL_error(L, "not enough memory");
    }
    answer = larger;
    room = size;
  }
  receive_all(answer, size);
  lua_pushlstring(L, answer, size);
  return 1;
}

/* ---- the script ---- */

/* confine(memory, seconds): a list of what the kernel does not have */
static int confine(lua_State *L)
{
  gl_confinement c = {.memory = (size_t)luaL_checkinteger(L, 1), .seconds = (unsigned)luaL_checkinteger(L, 2)};
  const char *failed = gl_confine(&c);
  if (failed)
    return luaL_error(L, "%s: %s", failed, strerror(errno));
  lua_newtable(L);
  for (int i = 0; c.missing[i]; i++) {
    lua_pushstring(L, c.missing[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static int open_confined(lua_State *L)
{
  static const luaL_Reg functions[] = {{"ask", ask}, {"confine", confine}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}

/* Protected: pushes the function of guestlua.sandbox.confined, which runs the script and gives the one that reports its end to the parent.
 */
static int prepare(lua_State *L)
{
  luaL_openlibs(L);
  luaL_requiref(L, "guestlua", luaopen_guestlua, 1);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, open_confined);
  lua_setfield(L, -2, "guestlua.program.confined");
  lua_getglobal(L, "require");
  lua_pushliteral(L, "guestlua.sandbox.confined");
  lua_call(L, 1, 1);
  return 1;
}

/* It ends without a word to libvirt or libuv, which it is not able to say any more. */
int gl_confined_main(void)
{
  gl_confine_begin(PARENT);
  static char line[BUFSIZ];
  setvbuf(stdout, line, _IOLBF, sizeof line);
  tzset();
  guestlua_choose(true, true); /* no thread */
  lua_State *L = luaL_newstate();
  if (!L)
    return EXIT_FAILURE;
  lua_pushcfunction(L, prepare);
  if (lua_pcall(L, 0, 1, 0) != LUA_OK || guestlua_run(L, 0) != LUA_OK || lua_pcall(L, 0, 0, 0) != LUA_OK) {
    fprintf(stderr, "guestlua: a script's process: %s\n", guestlua_text(L, lua_gettop(L) > 1 ? -2 : -1));
    fflush(stdout);
    _exit(EXIT_FAILURE);
  }
  fflush(stdout);
  _exit(EXIT_SUCCESS);
}
