#include "call/watch.h"

#include <lauxlib.h>
#include <string.h>

#include "base/masked.h"
#include "call/op.h"
#include "call/op_error.h"
#include "text/mask.h"

static const char on_call_key; /* in the registry: the function that is told of calls */

static const char *text_argument(const gl_op *op, const gl_param *p)
{
  return *(const char *const *)((const char *)op + p->offset);
}

/* ---- what a call was called with ---- */

static void push_flag_names(lua_State *L, const gl_enum *names, long long flags)
{
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (int bit = 0; flags >> bit; bit++) {
    if (!(flags >> bit & 1))
      continue;
    const char *name = gl_enum_name(names, bit);
    if (flags & ((1LL << bit) - 1))
      luaL_addchar(&b, '|');
    if (name) {
      luaL_addstring(&b, name);
    } else {
      lua_pushfstring(L, "1<<%d", bit);
      luaL_addvalue(&b);
    }
  }
  luaL_pushresult(&b);
}

static void push_strings(lua_State *L, char *const *list)
{
  lua_newtable(L);
  for (lua_Integer i = 0; list[i]; i++) {
    gl_masked_push(L, list[i]);
    lua_rawseti(L, -2, i + 1);
  }
}

/* Takes off again what was pushed of an argument that was not given. */
static bool given(lua_State *L, bool is)
{
  if (!is)
    lua_pop(L, 1);
  return is;
}

/* Pushes the argument and says so, or does nothing where it was not given. Flags are told together: see push_arguments. */
static bool push_argument(lua_State *L, const gl_op *op, const gl_param *p)
{
  const void *field = (const char *)op + p->offset;
  switch (p->kind) {
  case GL_STRING:
  case GL_XML: {
    const char *text = text_argument(op, p);
    if (!text)
      return false;
    if (p->secret)
      lua_pushliteral(L, GL_MASKED);
    else
      gl_masked_push_taken(L, p->kind == GL_XML ? gl_mask_xml(text) : gl_mask_text(text));
    return true;
  }
  case GL_INTEGER: /* 0 is also what was not given */
    lua_pushinteger(L, *(const long long *)field);
    return given(L, p->required || *(const long long *)field);
  case GL_NUMBER:
    lua_pushnumber(L, *(const double *)field);
    return given(L, p->required || *(const double *)field != 0);
  case GL_STRINGS: {
    char *const *list = *(char *const *const *)field;
    if (!list)
      return false;
    push_strings(L, list);
    return true;
  }
  case GL_FLAGS:
    push_flag_names(L, p->names, *(const long long *)field);
    return given(L, *(const long long *)field);
  case GL_NAME:
    gl_enum_push(L, p->names, *(const int *)field);
    return true;
  case GL_CHOICE:
    if (!(op->flags & (p->bit | p->other_bit)))
      return false;
    lua_pushboolean(L, op->flags & p->bit);
    return true;
  default:
    return false;
  }
}

/* Appends name and value, which is on top of the stack, to the list below it. */
static void append(lua_State *L, const char *name)
{
  lua_Integer count = (lua_Integer)lua_rawlen(L, -2);
  lua_rawseti(L, -2, count + 2);
  lua_pushstring(L, name);
  lua_rawseti(L, -2, count + 1);
}

/* Pushes a list of names and values by turns, with the names of the flags last, as in "active|shallow". */
static void push_arguments(lua_State *L, const gl_op *op)
{
  lua_newtable(L);
  for (const gl_param *p = op->def->params; p && p->name; p++)
    if (push_argument(L, op, p))
      append(L, p->name);
  lua_pushliteral(L, "");
  for (const gl_param *p = op->def->params; p && p->name; p++)
    if (p->kind == GL_FLAG && op->flags & p->bit) {
      lua_pushfstring(L, "%s%s%s", lua_tostring(L, -1), *lua_tostring(L, -1) ? "|" : "", p->name);
      lua_remove(L, -2);
    }
  if (*lua_tostring(L, -1))
    append(L, "flags");
  else
    lua_pop(L, 1);
  if (op->bounded) {
    lua_pushnumber(L, op->timeout);
    append(L, "timeout");
  }
}

/* ---- telling ---- */

static void set_string(lua_State *L, const char *key, const char *value)
{
  lua_pushstring(L, value);
  lua_setfield(L, -2, key);
}

/* Pushes the function that is told, and a table with what is known of each call; nothing and false where there is no such function. */
static bool begin(lua_State *L, const gl_op *op, const char *what)
{
  luaL_checkstack(L, 12, "too many arguments");
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &on_call_key) == LUA_TNIL) {
    lua_pop(L, 1);
    return false;
  }
  lua_pushstring(L, what);
  lua_createtable(L, 0, 10);
  set_string(L, "op", op->def->name);
  set_string(L, "call", op->def->call);
  gl_masked_push(L, op->uri);
  lua_setfield(L, -2, "host");
  set_string(L, "guest", op->guest || !op->dom ? op->guest : virDomainGetName(op->dom));
  set_string(L, "device", op->disk);
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

void gl_log_call(lua_State *L, const gl_op *op, const char *kind)
{
  /* What reads this process's memory is no call to anybody. */
  if (!(op->watched & GL_WATCH_TRACE) || !op->def->call || op->def->memory || !begin(L, op, "over"))
    return;
  if (kind) {
    set_string(L, "kind", kind);
    lua_pushboolean(L, op->phase == GL_OP_RUNNING);
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

bool gl_log_holds(const gl_op *op)
{
  return op->watched & GL_WATCH_DRY_RUN && op->def->changes;
}

int gl_log_hold(lua_State *L, const gl_op *op)
{
  const char *returns = op->def->returns;
  bool zero = returns && strcmp(returns, "0") == 0, yes = returns && strncmp(returns, "true", 4) == 0;
  if (begin(L, op, "held")) {
    lua_pushboolean(L, returns && !zero && !yes);
    lua_setfield(L, -2, "refused");
    lua_call(L, 2, 0);
  }
  if (!returns)
    return 0;
  if (zero)
    lua_pushinteger(L, 0);
  else if (yes)
    lua_pushboolean(L, true);
  else
    gl_error_call(L, op, "dry_run", "a dry run does not make this call, and cannot say what would come back (%s)", returns);
  return 1;
}

/* ---- for the modules in Lua ---- */

/* core.on_call(fn): fn("over" or "held", call) is called from now on; it must not wait. */
static int on_call(lua_State *L)
{
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &on_call_key);
  return 0;
}

static int watch(lua_State *L, unsigned bit)
{
  gl_state *s = gl_state_get(L);
  if (!lua_isnoneornil(L, 1))
    s->watch = lua_toboolean(L, 1) ? s->watch | bit : s->watch & ~bit;
  lua_pushboolean(L, s->watch & bit);
  return 1;
}

/* core.trace(on), core.dry_run(on): whether it is on; nil leaves it as it is. */
static int trace(lua_State *L)
{
  return watch(L, GL_WATCH_TRACE);
}

static int dry_run(lua_State *L)
{
  return watch(L, GL_WATCH_DRY_RUN);
}

void gl_log_open(lua_State *L)
{
  static const luaL_Reg functions[] = {{"on_call", on_call}, {"trace", trace}, {"dry_run", dry_run}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
