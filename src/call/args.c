#include "call/args.h"

#include <lauxlib.h>
#include <string.h>

#include "base/error.h"
#include "call/kinds.h"
#include "text/nearest.h"

/* The option that every call that can block takes without listing it. */
static const gl_param timeout_param = {
  .name = "timeout",
  .kind = &gl_number,
  .offset = offsetof(gl_args, timeout),
  .help = "seconds; after that an error of kind \"timeout\" is raised, which says whether the call still runs in libvirt",
};

/* Pushes the names of the options, and looks which of them is near. */
static const char *push_options(lua_State *L, const gl_param *options, const gl_args *args, gl_nearest *near)
{
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (const gl_param *p = options; p; p = gl_param_next(p)) {
    gl_nearest_add(near, p->name);
    luaL_addstring(&b, p->name);
    luaL_addstring(&b, gl_param_next(p) ? ", " : "");
  }
  if (args->blocks) {
    gl_nearest_add(near, timeout_param.name);
    luaL_addstring(&b, options ? ", " : "");
    luaL_addstring(&b, timeout_param.name);
  }
  luaL_pushresult(&b);
  return lua_tostring(L, -1);
}

/* Raises: there is no option `key`. Lists the valid ones. */
static _Noreturn void unknown_option(lua_State *L, const char *method, const gl_param *options, const gl_args *args, const char *key)
{
  gl_nearest near = {key, NULL, 0};
  const char *names = push_options(L, options, args, &near);
  gl_error_argument(L, method, key, "no such option; the options are: %s%s%s%s", names, near.found ? "; is " : "",
                    near.found ? near.found : "", near.found ? " meant?" : "");
}

/* Raises: what is at index is no table of options. */
static _Noreturn void no_options(lua_State *L, int index, const char *method, const gl_param *options, const gl_args *args)
{
  gl_nearest near = {"", NULL, 0};
  const char *got = gl_error_type_name(L, index);
  lua_pushfstring(L, "options are named, in a table; they are: %s", push_options(L, options, args, &near));
  gl_error_argument_hinted(L, method, "options", "table expected, got %s", got);
}

/* Reads the table at index: params are all, options those that it may have. Of those that are in another list, in which the list goes on,
 * it is not remembered whether they were given. */
static void read_options(lua_State *L, int index, const gl_param *params, const gl_param *options, gl_reader *r)
{
  gl_args *args = r->args;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
    if (!key)
      gl_error_argument(L, r->method, "options", "a table of named options expected, got one with a key of type %s",
                        gl_error_type_name(L, -2));
    bool own = true;
    const gl_param *p = options;
    for (; p && !(p->name && strcmp(p->name, key) == 0); p = p->name ? p + 1 : p->more)
      own = own && p->name;
    if (p && own)
      args->given |= UINT64_C(1) << (p - params);
    if (!p && args->blocks && strcmp(key, timeout_param.name) == 0) {
      p = &timeout_param;
      args->bounded = true;
    }
    if (!p)
      unknown_option(L, r->method, gl_param_at(options), args, key);
    r->param = p;
    r->field = (char *)args + p->offset;
    p->kind->read(L, lua_gettop(L), r);
  }
}

/* Whether the table that is the last argument, in the place of parameter p, is the options: it is not empty, and p and all after it may be
 * left out. */
static bool are_options(lua_State *L, int index, const gl_param *p, const gl_args *args)
{
  if (p->kind->takes_table)
    return false;
  for (; p->name && p->positional; p++)
    if (p->required)
      return false;
  if (!gl_param_at(p) && !args->blocks)
    return false;
  lua_pushnil(L);
  bool any = lua_next(L, index);
  lua_pop(L, any ? 2 : 0);
  return any;
}

void gl_args_read(lua_State *L, int first, int top, const char *method, const gl_param *params, gl_args *args)
{
  static const gl_param none = GL_END;
  gl_reader r = {.method = method, .args = args};
  const gl_param *p = params ? params : &none;
  int index = first;
  for (; p->name && p->positional; p++, index++) {
    if (p->kind == &gl_rest)
      return;
    if (index == top && lua_istable(L, index) && are_options(L, index, p, args))
      break;
    if (index <= top && (!lua_isnil(L, index) || (p->kind == &gl_any && !p->required))) {
      args->given |= UINT64_C(1) << (p - params);
      r.param = p;
      r.field = (char *)args + p->offset;
      p->kind->read(L, index, &r);
    } else if (p->required) {
      const char *got = index > top ? "no value" : "nil";
      gl_kind_push_hint(L, p, got);
      gl_error_argument_hinted(L, method, p->name, "%s expected, got %s", p->kind->name, got);
    }
  }
  if (top < index)
    return;
  while (p->name && p->positional)
    p++;
  if (p->name || p->more || args->blocks) {
    if (lua_istable(L, index))
      read_options(L, index, params, p, &r);
    else if (!lua_isnil(L, index))
      no_options(L, index, method, gl_param_at(p), args);
    index++;
  }
  if (top >= index)
    gl_error_argument(L, method, "...", "%d argument(s) too many", top - index + 1);
}

bool gl_args_given(const gl_args *args, const gl_param *params, size_t offset)
{
  for (const gl_param *p = params; p && p->name; p++)
    if (p->offset == offset)
      return args->given >> (p - params) & 1;
  return false;
}

static void push_param(lua_State *L, const gl_param *p)
{
  lua_createtable(L, 0, 7);
  lua_pushstring(L, p->name);
  lua_setfield(L, -2, "name");
  lua_pushstring(L, p->kind->name);
  lua_setfield(L, -2, "type");
  lua_pushstring(L, p->help);
  lua_setfield(L, -2, "help");
  lua_pushboolean(L, p->positional);
  lua_setfield(L, -2, "positional");
  lua_pushboolean(L, p->required);
  lua_setfield(L, -2, "required");
  lua_pushboolean(L, p == &timeout_param);
  lua_setfield(L, -2, "common");
  if (p->names) {
    gl_enum_push_list(L, p->names);
    lua_setfield(L, -2, "choices");
  }
  lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
}

void gl_args_push(lua_State *L, const gl_param *params, bool blocks)
{
  lua_newtable(L);
  for (const gl_param *p = gl_param_at(params); p; p = gl_param_next(p))
    push_param(L, p);
  if (blocks)
    push_param(L, &timeout_param);
}
