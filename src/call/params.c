#include "call/params.h"

#include <lauxlib.h>
#include <limits.h>
#include <string.h>

#include "base/error.h"
#include "base/printable.h"
#include "call/kinds.h"
#include "call/push.h"
#include "text/mask.h"

static _Noreturn void wrong(lua_State *L, const gl_reader *r, const char *name, const char *expected)
{
  gl_error_argument(L, r->method, r->param->name, "%s: %s expected, got %s", name, expected, gl_error_type_name(L, -1));
}

/* The integer on top of the stack, which the type has to hold. */
static lua_Integer integer(lua_State *L, const gl_reader *r, const char *name, int type)
{
  int exact;
  lua_Integer i = lua_tointegerx(L, -1, &exact);
  if (lua_type(L, -1) != LUA_TNUMBER || !exact)
    wrong(L, r, name, "integer");
  bool fits = type == VIR_TYPED_PARAM_INT    ? i >= INT_MIN && i <= INT_MAX
              : type == VIR_TYPED_PARAM_UINT ? i >= 0 && i <= UINT_MAX
                                             : type != VIR_TYPED_PARAM_ULLONG || i >= 0;
  if (!fits)
    gl_error_argument(L, r->method, r->param->name, "%s: out of range, %s expected", name,
                      type == VIR_TYPED_PARAM_INT    ? "an integer of 32 bits"
                      : type == VIR_TYPED_PARAM_UINT ? "an integer of 32 bits from 0 up"
                                                     : "an integer from 0 up");
  return i;
}

static void add_text(lua_State *L, const gl_reader *r, gl_params *params, const char *name)
{
  size_t length;
  if (lua_type(L, -1) != LUA_TSTRING)
    wrong(L, r, name, "string");
  const char *text = lua_tolstring(L, -1, &length);
  gl_printable_learn(L, text, gl_mask_is_name(name) ? GL_KNOWN_SECRET : GL_KNOWN_URI);
  if (strlen(text) != length)
    gl_error_argument(L, r->method, r->param->name, "%s: the string has a NUL byte in it", name);
  virTypedParamsAddString(&params->list, &params->count, &params->room, name, text);
}

/* Adds the value on top of the stack. */
static void add(lua_State *L, const gl_reader *r, gl_params *params, const char *name, int type)
{
  switch (type) {
  case VIR_TYPED_PARAM_INT:
    virTypedParamsAddInt(&params->list, &params->count, &params->room, name, (int)integer(L, r, name, type));
    break;
  case VIR_TYPED_PARAM_UINT:
    virTypedParamsAddUInt(&params->list, &params->count, &params->room, name, (unsigned)integer(L, r, name, type));
    break;
  case VIR_TYPED_PARAM_LLONG:
    virTypedParamsAddLLong(&params->list, &params->count, &params->room, name, integer(L, r, name, type));
    break;
  case VIR_TYPED_PARAM_ULLONG:
    virTypedParamsAddULLong(&params->list, &params->count, &params->room, name, (unsigned long long)integer(L, r, name, type));
    break;
  case VIR_TYPED_PARAM_DOUBLE:
    if (lua_type(L, -1) != LUA_TNUMBER)
      wrong(L, r, name, "number");
    virTypedParamsAddDouble(&params->list, &params->count, &params->room, name, lua_tonumber(L, -1));
    break;
  case VIR_TYPED_PARAM_BOOLEAN:
    if (!lua_isboolean(L, -1))
      wrong(L, r, name, "boolean");
    virTypedParamsAddBoolean(&params->list, &params->count, &params->room, name, lua_toboolean(L, -1));
    break;
  default:
    add_text(L, r, params, name);
  }
}

static void read_params(lua_State *L, int index, const gl_reader *r)
{
  const gl_param_family *family = (const gl_param_family *)r->param->names;
  gl_params *params = r->field;
  if (!lua_istable(L, index))
    gl_kind_mismatch(L, index, r);
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING)
      gl_error_argument(L, r->method, r->param->name, "a table of named values expected, got one with a key of type %s",
                        gl_error_type_name(L, -2));
    if (gl_enum_value(&family->names, lua_tostring(L, -2)) < 0) {
      gl_enum_push_choices(L, &family->names, lua_tostring(L, -2));
      const char *choices = lua_tostring(L, -1);
      lua_pushliteral(L, "options of the call, as live or timeout, are in a table of their own after this one");
      gl_error_argument_hinted(L, r->method, r->param->name, "no %s '%s'; there are: %s", family->names.what, lua_tostring(L, -4), choices);
    }
  }
  for (int i = 0; i < family->names.count; i++, lua_pop(L, 1)) {
    lua_pushstring(L, family->names.names[i]);
    if (lua_rawget(L, index) != LUA_TNIL)
      add(L, r, params, family->names.names[i], family->types[i]);
  }
  if (params->count == 0)
    gl_error_argument(L, r->method, r->param->name, "there is nothing in it");
}

static void show_params(lua_State *L, const gl_param *p, const gl_args *args)
{
  const gl_params *params = gl_param_field(p, args);
  lua_createtable(L, 0, params->count);
  for (int i = 0; i < params->count; i++) {
    virTypedParameterPtr one = &params->list[i];
    if (gl_mask_is_name(one->field)) {
      lua_pushliteral(L, GL_MASKED);
    } else if (one->type == VIR_TYPED_PARAM_STRING) {
      gl_printable_push_masked(L, one->value.s);
    } else {
      gl_push_param(L, one);
    }
    lua_setfield(L, -2, one->field);
  }
}
const gl_kind gl_params_kind = {.name = "table", .takes_table = true, .read = read_params, .show = show_params};

void gl_params_free(gl_params *params)
{
  virTypedParamsFree(params->list, params->count);
}
