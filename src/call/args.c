#include "call/args.h"

#include <lauxlib.h>
#include <limits.h>
#include <string.h>

#include "base/error.h"
#include "call/op.h"
#include "element/element.h"

static const char *const kind_names[] = {
  [GL_STRING] = "string",
  [GL_XML] = "Element or XML text",
  [GL_INTEGER] = "integer",
  [GL_NUMBER] = "number",
  [GL_FLAG] = "boolean",
  [GL_CHOICE] = "boolean",
  [GL_STRINGS] = "list of strings",
  [GL_FLAGS] = "integer or list of names",
  [GL_NAME] = "string",
  [GL_ANY] = "any",
  [GL_REST] = "any",
};

static _Noreturn void wrong_type(lua_State *L, const char *method, const gl_param *p, int index)
{
  gl_error_argument(L, method, p->name, "%s expected, got %s", kind_names[p->kind], luaL_typename(L, index));
}

static const char *text(lua_State *L, int index, const char *method, const gl_param *p)
{
  size_t length;
  const char *s = lua_tolstring(L, index, &length);
  if (strlen(s) != length)
    gl_error_argument(L, method, p->name, "the string has a NUL byte in it");
  return s;
}

static void store_text(const char *s, const gl_param *p, gl_op *op, bool keep, lua_State *L)
{
  if (op)
    *(const char **)((char *)op + p->offset) = keep ? gl_op_keep(L, op, s) : s;
}

static int name_value(lua_State *L, int index, const char *method, const gl_param *p)
{
  int value = gl_enum_value(p->names, lua_tostring(L, index));
  if (value < 0) {
    gl_enum_push_choices(L, p->names);
    gl_error_argument(L, method, p->name, "no %s '%s'; there are: %s", p->names->what, lua_tostring(L, index), lua_tostring(L, -1));
  }
  return value;
}

/* The length of the list at index, which must be one of strings only. */
static lua_Integer check_list(lua_State *L, int index, const char *method, const gl_param *p)
{
  if (!lua_istable(L, index))
    wrong_type(L, method, p, index);
  lua_Integer count = (lua_Integer)lua_rawlen(L, index), keys = 0;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1), keys++)
    if (!lua_isinteger(L, -2) || lua_type(L, -1) != LUA_TSTRING)
      gl_error_argument(L, method, p->name, "%s expected, got a table with a %s in it", kind_names[p->kind],
                        lua_isinteger(L, -2) ? luaL_typename(L, -1) : "named value");
  if (keys != count)
    gl_error_argument(L, method, p->name, "%s expected, got a table with gaps", kind_names[p->kind]);
  return count;
}

static char **read_strings(lua_State *L, int index, const char *method, const gl_param *p, gl_op *op)
{
  lua_Integer count = check_list(L, index, method, p);
  char **list = gl_op_keep_room(L, op, ((size_t)count + 1) * sizeof *list);
  list[count] = NULL;
  for (lua_Integer i = 0; i < count; i++) {
    lua_rawgeti(L, index, i + 1);
    list[i] = (char *)gl_op_keep(L, op, text(L, -1, method, p));
    lua_pop(L, 1);
  }
  return list;
}

static long long read_flags(lua_State *L, int index, const char *method, const gl_param *p)
{
  if (lua_type(L, index) == LUA_TNUMBER) {
    int exact;
    lua_Integer flags = lua_tointegerx(L, index, &exact);
    if (!exact || flags < 0 || flags > UINT_MAX)
      gl_error_argument(L, method, p->name, "flags are an integer of 32 bits");
    return flags;
  }
  if (lua_type(L, index) == LUA_TSTRING)
    return 1LL << name_value(L, index, method, p);
  long long flags = 0;
  lua_Integer count = check_list(L, index, method, p);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, index, i);
    flags |= 1LL << name_value(L, lua_gettop(L), method, p);
    lua_pop(L, 1);
  }
  return flags;
}

static void read_one(lua_State *L, int index, const char *method, const gl_param *p, gl_op *op, bool keep)
{
  void *field = op ? (char *)op + p->offset : NULL;
  switch (p->kind) {
  case GL_STRING:
    if (lua_type(L, index) != LUA_TSTRING)
      wrong_type(L, method, p, index);
    store_text(text(L, index, method, p), p, op, keep, L);
    break;
  case GL_XML:
    if (gl_element_test(L, index)) {
      gl_element_push_xml(L, index);
      lua_replace(L, index); /* anchors the text for the time of the call */
    } else if (lua_type(L, index) != LUA_TSTRING) {
      wrong_type(L, method, p, index);
    }
    store_text(text(L, index, method, p), p, op, keep, L);
    break;
  case GL_INTEGER: {
    int exact;
    lua_Integer i = lua_tointegerx(L, index, &exact);
    if (lua_type(L, index) != LUA_TNUMBER)
      wrong_type(L, method, p, index);
    if (!exact)
      gl_error_argument(L, method, p->name, "the number has no integer value");
    if (i < 0)
      gl_error_argument(L, method, p->name, "cannot be negative");
    if (p->max && i > p->max)
      gl_error_argument(L, method, p->name, "cannot be more than %lld", p->max);
    if (op)
      *(long long *)field = i;
    break;
  }
  case GL_NUMBER: {
    if (lua_type(L, index) != LUA_TNUMBER)
      wrong_type(L, method, p, index);
    lua_Number n = lua_tonumber(L, index);
    if (!(n >= 0))
      gl_error_argument(L, method, p->name, "cannot be negative");
    if (op)
      *(double *)field = n;
    break;
  }
  case GL_FLAG:
  case GL_CHOICE:
    if (lua_type(L, index) != LUA_TBOOLEAN)
      wrong_type(L, method, p, index);
    op->flags |= lua_toboolean(L, index) ? p->bit : p->other_bit;
    break;
  case GL_STRINGS:
    *(char ***)field = read_strings(L, index, method, p, op);
    break;
  case GL_FLAGS:
    *(long long *)field = read_flags(L, index, method, p);
    break;
  case GL_NAME:
    if (lua_type(L, index) != LUA_TSTRING)
      wrong_type(L, method, p, index);
    *(int *)field = name_value(L, index, method, p);
    break;
  case GL_ANY:
  case GL_REST:
    break;
  }
}

static const gl_param timeout_param = {
  .name = "timeout",
  .kind = GL_NUMBER,
  .help = "seconds; after that an error of kind \"timeout\" is raised, which says whether the call still runs in libvirt",
};

static bool has_own_timeout(const gl_param *params)
{
  while (params && params->name && strcmp(params->name, timeout_param.name) != 0)
    params++;
  return params && params->name;
}

/* Where the options table is, after the positional arguments. */
static int options_index(int first, const gl_param *params)
{
  for (; params && params->name && params->positional; params++)
    first++;
  return first;
}

bool gl_opts_has_timeout(lua_State *L, int first, int top, const gl_param *params)
{
  int index = options_index(first, params);
  if (index > top || !lua_istable(L, index) || has_own_timeout(params))
    return false;
  lua_pushstring(L, timeout_param.name);
  bool has = lua_rawget(L, index) != LUA_TNIL;
  lua_pop(L, 1);
  return has;
}

/* Whether the operation takes the option `timeout` that is in no list. */
static bool can_block(const gl_op *op, const gl_param *params)
{
  return op && op->def && op->def->run && !op->def->memory && !has_own_timeout(params);
}

/* Raises: no option is called `key`. Lists those there are. */
static _Noreturn void unknown_option(lua_State *L, const char *method, const gl_param *options, const gl_op *op, const char *key)
{
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (const gl_param *p = options; p && p->name; p++) {
    luaL_addstring(&b, p->name);
    luaL_addstring(&b, p[1].name ? ", " : "");
  }
  if (can_block(op, options)) {
    luaL_addstring(&b, options && options->name ? ", " : "");
    luaL_addstring(&b, timeout_param.name);
  }
  luaL_pushresult(&b);
  gl_error_argument(L, method, key, "no such option; the options are: %s", lua_tostring(L, -1));
}

static void read_options(lua_State *L, int index, const char *method, const gl_param *options, gl_op *op, bool keep)
{
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
    if (!key)
      gl_error_argument(L, method, "options", "a table of named options expected, got one with a key of type %s", luaL_typename(L, -2));
    const gl_param *p = options;
    while (p && p->name && strcmp(p->name, key) != 0)
      p++;
    if ((!p || !p->name) && can_block(op, options) && strcmp(key, timeout_param.name) == 0) {
      if (lua_type(L, -1) != LUA_TNUMBER)
        wrong_type(L, method, &timeout_param, lua_gettop(L));
      op->timeout = lua_tonumber(L, -1);
      if (!(op->timeout >= 0))
        gl_error_argument(L, method, key, "cannot be negative");
      op->bounded = true;
      continue;
    }
    if (!p || !p->name)
      unknown_option(L, method, options, op, key);
    read_one(L, lua_gettop(L), method, p, op, keep);
  }
}

void gl_opts_read(lua_State *L, int first, int top, const char *method, const gl_param *params, gl_op *op, bool keep)
{
  int index = first;
  const gl_param *p = params;
  for (; p && p->name && p->positional; p++, index++) {
    if (p->kind == GL_REST)
      return;
    if (index <= top && (!lua_isnil(L, index) || (p->kind == GL_ANY && !p->required)))
      read_one(L, index, method, p, op, keep);
    else if (p->required)
      gl_error_argument(L, method, p->name, "%s expected, got %s", kind_names[p->kind], index > top ? "no value" : "nil");
  }
  if ((p && p->name) || can_block(op, params)) {
    if (index <= top && lua_istable(L, index))
      read_options(L, index, method, p, op, keep);
    else if (index <= top && !lua_isnil(L, index))
      gl_error_argument(L, method, "options", "table expected, got %s", luaL_typename(L, index));
    index++;
  }
  if (top >= index)
    gl_error_argument(L, method, "...", "%d argument(s) too many", top - index + 1);
}

static void push_param(lua_State *L, const gl_param *p)
{
  lua_createtable(L, 0, 4);
  lua_pushstring(L, p->name);
  lua_setfield(L, -2, "name");
  lua_pushstring(L, kind_names[p->kind]);
  lua_setfield(L, -2, "type");
  lua_pushstring(L, p->help);
  lua_setfield(L, -2, "help");
  lua_pushboolean(L, p->positional);
  lua_setfield(L, -2, "positional");
  lua_pushboolean(L, p->required);
  lua_setfield(L, -2, "required");
  if (p->names) {
    gl_enum_push_list(L, p->names);
    lua_setfield(L, -2, "choices");
  }
  lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
}

void gl_opts_push(lua_State *L, const gl_param *params, bool blocks)
{
  lua_newtable(L);
  for (const gl_param *p = params; p && p->name; p++)
    push_param(L, p);
  if (blocks && !has_own_timeout(params))
    push_param(L, &timeout_param);
}
