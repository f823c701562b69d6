#include "module/api_thread.h"

#include <lauxlib.h>

#include "base/printable.h"

gl_state *gl_api_state(lua_State *L)
{
  gl_state *s = gl_state_find(L);
  if (!s)
    s = gl_state_get(L);
  return s && gl_state_is_here(s) ? s : NULL;
}

gl_state *gl_api_open_state(lua_State *L)
{
  gl_state *s = gl_state_find(L);
  return s && gl_state_is_here(s) ? s : NULL;
}

gl_state *gl_api_check(lua_State *L, const char *function)
{
  gl_state *s = gl_api_state(L);
  if (!s)
    luaL_error(L, "%s: luaopen_guestlua was not called in this Lua state, or on another thread", function);
  luaL_checkstack(L, LUA_MINSTACK, function);
  return s;
}

int gl_api_to_text(lua_State *L)
{
  luaL_tolstring(L, 1, NULL);
  gl_printable_push(L, -1, GL_INDENT_LINES);
  return 1;
}
