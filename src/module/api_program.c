/* The public functions: what a program reads of errors, keeps in a state, and decides about calls. guestlua.h documents each. */
#include <lauxlib.h>
#include <string.h>

#include "base/error.h"
#include "call/op_error.h"
#include "call/watch.h"
#include "guestlua.h"
#include "module/api_thread.h"

/* In the registry: the program's pointer; its function for calls. */
static const char user_key, call_key;

int guestlua_error_field(lua_State *L, int index, const char *field)
{
  index = lua_absindex(L, index);
  if (lua_istable(L, index)) {
    lua_pushstring(L, field);
    lua_rawget(L, index);
  } else if (lua_isstring(L, index) && strcmp(field, "message") == 0) {
    lua_pushvalue(L, index);
  } else {
    lua_pushnil(L);
  }
  return lua_type(L, -1);
}

const char *guestlua_json(lua_State *L, int index)
{
  gl_api_check(L, "guestlua_json");
  index = lua_absindex(L, index);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE); /* a sandbox has no require */
  lua_getfield(L, -1, "guestlua.log.plain");
  lua_pushliteral(L, "guestlua.log.plain");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "encode");
  lua_pushvalue(L, index);
  lua_call(L, 1, 1);
  lua_replace(L, -3);
  lua_pop(L, 1);
  return lua_tostring(L, -1);
}

void guestlua_set_user(lua_State *L, void *user)
{
  lua_pushlightuserdata(L, user);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &user_key);
}

void *guestlua_user(lua_State *L)
{
  lua_rawgetp(L, LUA_REGISTRYINDEX, &user_key);
  void *user = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return user;
}

/* ---- calls ---- */

typedef struct asked {
  guestlua_call_fn fn;
  void *opaque;
} asked;

static bool before(lua_State *L, gl_op *op)
{
  if (!op->def->call)
    return false;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &call_key);
  const asked *program = lua_touserdata(L, -1);
  lua_pop(L, 1);
  bool has_object = op->subject && op->subject->type->what;
  const guestlua_call call = {
    .method = op->def->name,
    .function = op->def->call,
    .uri = op->uri,
    .object_type = has_object ? op->subject->type->what : NULL,
    .object = has_object ? op->subject->name : NULL,
    .part = op->part,
    .changes = op->def->changes,
  };
  const char *why = program->fn(program->opaque, &call);
  if (why)
    gl_error_call(L, op, "not_allowed", "%s", why);
  return false;
}

static const gl_watcher watcher = {.before = before};

void guestlua_set_call(lua_State *L, guestlua_call_fn fn, void *opaque)
{
  gl_state *s = gl_api_check(L, "guestlua_set_call");
  asked *program = lua_newuserdatauv(L, sizeof *program, 0);
  *program = (asked){fn, opaque};
  lua_rawsetp(L, LUA_REGISTRYINDEX, &call_key);
  if (fn)
    gl_watch(s, &watcher);
  else
    gl_unwatch(s, &watcher);
}
