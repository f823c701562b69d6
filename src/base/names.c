#include "base/names.h"

#include "text/nearest.h"

#include <lauxlib.h>
#include <string.h>

const char *gl_enum_name(const gl_enum *e, int value)
{
  return value >= 0 && value < e->count ? e->names[value] : NULL;
}

int gl_enum_value(const gl_enum *e, const char *name)
{
  for (int i = 0; i < e->count; i++)
    if (e->names[i] && strcmp(e->names[i], name) == 0)
      return i;
  return -1;
}

void gl_enum_push(lua_State *L, const gl_enum *e, int value)
{
  const char *name = gl_enum_name(e, value);
  if (name)
    lua_pushstring(L, name);
  else
    lua_pushinteger(L, value);
}

void gl_enum_push_list(lua_State *L, const gl_enum *e)
{
  lua_newtable(L);
  for (int i = 0; i < e->count; i++)
    if (e->names[i]) {
      lua_pushstring(L, e->names[i]);
      lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    }
}

void gl_enum_push_choices(lua_State *L, const gl_enum *e, const char *given)
{
  gl_nearest near = {given, NULL, 0};
  for (int i = 0; i < e->count; i++)
    if (e->names[i])
      gl_nearest_add(&near, e->names[i]);
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (int i = 0, n = 0; i < e->count; i++) {
    if (!e->names[i])
      continue;
    if (n++)
      luaL_addstring(&b, ", ");
    luaL_addstring(&b, e->names[i]);
  }
  if (near.found) {
    luaL_addstring(&b, "; is ");
    luaL_addstring(&b, near.found);
    luaL_addstring(&b, " meant?");
  }
  luaL_pushresult(&b);
}
