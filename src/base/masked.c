#include "base/masked.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "text/mask.h"

void gl_masked_push_taken(lua_State *L, char *masked)
{
  lua_pushstring(L, masked ? masked : GL_MASKED);
  free(masked);
}

void gl_masked_push(lua_State *L, const char *text)
{
  if (text)
    gl_masked_push_taken(L, gl_mask_text(text));
  else
    lua_pushnil(L);
}

/* core.mask(text), core.mask_xml(text) */
static int mask(lua_State *L)
{
  gl_masked_push_taken(L, gl_mask_text(luaL_checkstring(L, 1)));
  return 1;
}

static int mask_xml(lua_State *L)
{
  gl_masked_push_taken(L, gl_mask_xml(luaL_checkstring(L, 1)));
  return 1;
}

void gl_masked_open(lua_State *L)
{
  static const luaL_Reg functions[] = {{"mask", mask}, {"mask_xml", mask_xml}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
