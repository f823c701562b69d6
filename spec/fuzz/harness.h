/*
 * What the harnesses share: libFuzzer's entries, and a Lua state with the module. spec/fuzz/NAME.lua is a function of the natives (a table)
 * that returns a function of the input's bytes: it says what the bytes mean and what has to hold. Whatever that raises is a finding.
 */
#ifndef GL_HARNESS_H
#define GL_HARNESS_H

#include <lauxlib.h>
#include <lualib.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "guestlua.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static lua_State *state;

static void check(int status)
{
  if (status == LUA_OK)
    return;
  fprintf(stderr, "finding: %s\n", luaL_tolstring(state, -1, NULL));
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

static void start(const char *script, const luaL_Reg *natives)
{
  state = luaL_newstate();
  luaL_openlibs(state);
  luaL_requiref(state, "guestlua", luaopen_guestlua, 1);
  lua_settop(state, 0);
  lua_pushcfunction(state, traceback);
  check(luaL_loadfile(state, script));
  lua_newtable(state);
  luaL_setfuncs(state, natives, 0);
  check(lua_pcall(state, 1, 1, 1));
  atexit(close_state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  lua_pushvalue(state, 2);
  lua_pushlstring(state, (const char *)data, size);
  check(lua_pcall(state, 1, 0, 1));
  lua_gc(state, LUA_GCCOLLECT);
  return 0;
}

/* natives: ends with a NULL name. */
#define HARNESS(name, natives)                      \
  int LLVMFuzzerInitialize(int *argc, char ***argv) \
  {                                                 \
    (void)argc;                                     \
    (void)argv;                                     \
    start("spec/fuzz/" name ".lua", natives);       \
    return 0;                                       \
  }

#endif
