#include "call/trace.h"

#include <lauxlib.h>
#include <string.h>

#include "base/error.h"
#include "base/printable.h"
#include "call/op_error.h"

static const char on_call_key; /* in the registry: the function that calls are reported to */

/* ---- the arguments of a call ---- */

/* Appends name and value, which is on top of the stack, to the list below it. */
static void append(lua_State *L, const char *name)
{
  lua_Integer count = (lua_Integer)lua_rawlen(L, -2);
  lua_rawseti(L, -2, count + 2);
  lua_pushstring(L, name);
  lua_rawseti(L, -2, count + 1);
}

/* Pushes a list of alternating names and values, with the names of the flags last, as in "active|shallow". */
static void push_arguments(lua_State *L, const gl_op *op)
{
  lua_newtable(L);
  for (const gl_param *p = op->def->params; p && p->name; p++)
    if (p->kind->show && op->args.given >> (p - op->def->params) & 1) {
      p->kind->show(L, p, &op->args);
      append(L, p->name);
    }
  lua_pushliteral(L, "");
  for (const gl_param *p = gl_param_at(op->def->params); p; p = gl_param_next(p))
    if (p->kind == &gl_flag && op->args.flags & p->bit) {
      lua_pushfstring(L, "%s%s%s", lua_tostring(L, -1), *lua_tostring(L, -1) ? "|" : "", p->name);
      lua_remove(L, -2);
    }
  if (*lua_tostring(L, -1))
    append(L, "flags");
  else
    lua_pop(L, 1);
  if (op->args.bounded) {
    lua_pushnumber(L, op->args.timeout);
    append(L, "timeout");
  }
}

/* ---- reporting ---- */

/* Pushes the function that calls are reported to, and a table that describes the call; nothing and false if there is no such function. */
static bool begin(lua_State *L, const gl_op *op, const char *what)
{
  luaL_checkstack(L, 12, "too many arguments");
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &on_call_key) == LUA_TNIL) {
    lua_pop(L, 1);
    return false;
  }
  lua_pushstring(L, what);
  lua_createtable(L, 0, 10);
  gl_op_error_set(L, op);
  push_arguments(L, op);
  lua_setfield(L, -2, "arguments");
  return true;
}

/* Copies a field of the error on top of the stack to the table below it. */
static void copy_field(lua_State *L, const char *name)
{
  lua_getfield(L, -1, name);
  lua_setfield(L, -3, name);
}

/* Says how a call ended. what: why it is said. */
static void report(lua_State *L, const gl_op *op, const char *kind, const char *what)
{
  if (!begin(L, op, what))
    return;
  if (kind) {
    gl_error_set(L, "kind", kind);
    lua_pushboolean(L, op->work.phase == GL_WORK_RUNNING);
    lua_setfield(L, -2, "still_running");
  } else {
    lua_pushnumber(L, (lua_Number)(op->took / 1000) / 1000);
    lua_setfield(L, -2, "duration_ms");
    lua_pushinteger(L, op->rc);
    lua_setfield(L, -2, "result");
    if (op->rc < 0) {
      gl_error_push_libvirt(L, op);
      copy_field(L, "kind");
      copy_field(L, "message");
      lua_pop(L, 1);
    }
  }
  lua_call(L, 2, 0);
}

static void trace_call(lua_State *L, const gl_op *op, const char *kind)
{
  if (op->def->call && !op->def->memory) /* what reads this process's memory is no call to anybody */
    report(L, op, kind, "over");
}
static const gl_watcher tracer = {.after = trace_call};

static void record_call(lua_State *L, const gl_op *op, const char *kind)
{
  if (op->def->changes)
    report(L, op, kind, "changed");
}
static const gl_watcher recorder = {.after = record_call};

/* libvirt gives secrets to no connection that is read-only, as those of a dry run are; what would be written is not, so that XML without
 * them serves as well. */
static void leave_out_secrets(gl_op *op)
{
  for (const gl_param *p = gl_param_at(op->def->params); p; p = gl_param_next(p))
    if (p->kind == &gl_flag && (strcmp(p->name, "dump_sensitive") == 0 || strcmp(p->name, "secure") == 0))
      op->args.flags &= ~p->bit;
}

static bool hold_back(lua_State *L, gl_op *op)
{
  const char *result = op->def->result[0];
  if (!op->def->changes) {
    leave_out_secrets(op);
    return false;
  }
  bool zero = result && strcmp(result, "integer") == 0, yes = result && strncmp(result, "boolean", strlen("boolean")) == 0;
  if (begin(L, op, "held")) {
    lua_pushboolean(L, result && !zero && !yes);
    lua_setfield(L, -2, "refused");
    lua_call(L, 2, 0);
  }
  if (zero)
    lua_pushinteger(L, 0);
  else if (yes)
    lua_pushboolean(L, true);
  else if (result)
    gl_error_call(L, op, "dry_run", "a dry run does not make this call, and cannot say what would come back (%s)", result);
  return true;
}
static const gl_watcher holder = {.before = hold_back};

bool gl_is_dry_run(const gl_state *s)
{
  return gl_is_watching(s, &holder);
}

/* ---- for the modules in Lua ---- */

/* core.on_call(fn): from now on calls fn("over", "changed" or "held", call), which must not wait. */
static int on_call(lua_State *L)
{
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &on_call_key);
  return 0;
}

static int watch(lua_State *L, const gl_watcher *w)
{
  gl_state *s = gl_state_get(L);
  if (lua_toboolean(L, 1))
    gl_watch(s, w);
  else if (!lua_isnoneornil(L, 1))
    gl_unwatch(s, w);
  lua_pushboolean(L, gl_is_watching(s, w));
  return 1;
}

/* core.trace(on), core.record(on), core.dry_run(on): whether it is on; nil leaves it as it is. */
static int trace(lua_State *L)
{
  return watch(L, &tracer);
}

static int record(lua_State *L)
{
  return watch(L, &recorder);
}

static int dry_run(lua_State *L)
{
  return watch(L, &holder);
}

void gl_trace_open(lua_State *L)
{
  static const luaL_Reg functions[] = {{"on_call", on_call}, {"trace", trace}, {"record", record}, {"dry_run", dry_run}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
