/* For the programs that embed_spec.lua runs. */
#ifndef CHECK_H
#define CHECK_H

#include <guestlua.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define URI "test:///default"

#define CHECK(condition)                                              \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                        \
    }                                                                 \
  } while (0)

static inline lua_State *new_state(const guestlua_options *options)
{
  char why[200] = "";
  lua_State *L = guestlua_new(options, why, sizeof why);
  if (!L)
    fprintf(stderr, "%s\n", why);
  CHECK(L);
  return L;
}

/* Loads the text as a function. */
static inline void load(lua_State *L, const char *text)
{
  CHECK(luaL_loadbufferx(L, text, strlen(text), "=script", "t") == LUA_OK);
}

/* Runs it; it has to succeed. Its results stay on the stack. */
static inline void run(lua_State *L, const char *text)
{
  load(L, text);
  if (guestlua_run(L, 0) == LUA_OK)
    return;
  fprintf(stderr, "%s\n%s\n", text, guestlua_text(L, -2));
  exit(1);
}

#endif
