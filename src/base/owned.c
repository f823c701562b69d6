#include "base/owned.h"

typedef struct piece {
  const char *bytes;
  size_t length;
} piece;

/* Protected. */
static int push(lua_State *L)
{
  const piece *p = lua_touserdata(L, 1);
  lua_pushlstring(L, p->bytes, p->length);
  return 1;
}

void gl_owned_push(lua_State *L, const char *bytes, size_t length, void *what, void (*release)(void *what))
{
  piece p = {bytes, length};
  lua_pushcfunction(L, push); /* neither allocates */
  lua_pushlightuserdata(L, &p);
  int status = lua_pcall(L, 1, 1, 0);
  release(what);
  if (status != LUA_OK)
    lua_error(L);
}
