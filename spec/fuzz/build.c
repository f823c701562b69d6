/* libFuzzer: any bytes as what a script does to Elements. spec/fuzz/build.lua says what the bytes mean, and what has to hold. */
#include <lauxlib.h>
#include <lualib.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "guestlua.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Inputs from one full garbage collection to the next. */
enum { COLLECT_EVERY = 1 };

static lua_State *state;

static void check(int status)
{
  if (status == LUA_OK)
    return;
  fprintf(stderr, "build: %s\n", luaL_tolstring(state, -1, NULL));
  abort();
}

static void close_state(void)
{
  lua_close(state);
  guestlua_end();
}

static int traceback(lua_State *L)
{
  luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
  return 1;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
  (void)argc;
  (void)argv;
  state = luaL_newstate();
  luaL_openlibs(state);
  luaL_requiref(state, "guestlua", luaopen_guestlua, 1);
  lua_settop(state, 0);
  lua_pushcfunction(state, traceback);
  check(luaL_dofile(state, "spec/fuzz/build.lua"));
  atexit(close_state);
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static int inputs;
  lua_pushvalue(state, 2);
  lua_pushlstring(state, (const char *)data, size);
  check(lua_pcall(state, 1, 0, 1));
  if (++inputs % COLLECT_EVERY == 0)
    lua_gc(state, LUA_GCCOLLECT);
  return 0;
}
