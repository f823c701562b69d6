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

/* ---- processes ---- */

/* Pushes the options as a table. */
static void push_process_options(lua_State *L, const guestlua_process *given)
{
  guestlua_process options = {0};
  if (given && (given->size == 0 || given->size > sizeof options))
    luaL_error(L, "guestlua_sandbox_process: options.size is not set, or the program was compiled with a newer guestlua.h");
  if (given)
    memcpy(&options, given, given->size);
  lua_newtable(L);
  lua_pushstring(L, options.program);
  lua_setfield(L, -2, "program");
  lua_pushboolean(L, options.require_all);
  lua_setfield(L, -2, "require");
  if (options.max_seconds) {
    lua_pushinteger(L, options.max_seconds);
    lua_setfield(L, -2, "seconds");
  }
  if (options.max_memory) {
    lua_pushinteger(L, (lua_Integer)options.max_memory);
    lua_setfield(L, -2, "memory");
  }
  if (options.max_instructions) {
    lua_pushinteger(L, (lua_Integer)options.max_instructions);
    lua_setfield(L, -2, "instructions");
  }
}

void guestlua_sandbox_process(lua_State *L, const guestlua_process *options, const char *text, size_t length, const char *name)
{
  gl_api_check(L, "guestlua_sandbox_process");
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, LUA_GNAME); /* the first globals: a sandbox has others, and no require */
  lua_getfield(L, -1, "require");
  lua_pushliteral(L, "guestlua.sandbox.process");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "bound");
  push_process_options(L, options);
  lua_pushlstring(L, text, length);
  lua_pushstring(L, name);
  lua_call(L, 3, 1);
  lua_replace(L, -4);
  lua_pop(L, 2);
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
