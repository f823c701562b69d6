#include "call/push.h"

#include <stdlib.h>

int gl_push_text(lua_State *L, gl_op *op)
{
  lua_pushstring(L, ((gl_text_op *)op)->text);
  return 1;
}

void gl_release_text(gl_op *op)
{
  free(((gl_text_op *)op)->text);
}

int gl_run_nothing(gl_op *op)
{
  (void)op;
  return 0;
}

int gl_push_boolean(lua_State *L, gl_op *op)
{
  lua_pushboolean(L, op->rc);
  return 1;
}

int gl_push_integer(lua_State *L, gl_op *op)
{
  lua_pushinteger(L, op->rc);
  return 1;
}

void gl_push_param(lua_State *L, const virTypedParameter *p)
{
  switch (p->type) {
  case VIR_TYPED_PARAM_INT:
    lua_pushinteger(L, p->value.i);
    break;
  case VIR_TYPED_PARAM_UINT:
    lua_pushinteger(L, p->value.ui);
    break;
  case VIR_TYPED_PARAM_LLONG:
    lua_pushinteger(L, p->value.l);
    break;
  case VIR_TYPED_PARAM_ULLONG:
    lua_pushinteger(L, (lua_Integer)p->value.ul);
    break;
  case VIR_TYPED_PARAM_DOUBLE:
    lua_pushnumber(L, p->value.d);
    break;
  case VIR_TYPED_PARAM_BOOLEAN:
    lua_pushboolean(L, p->value.b);
    break;
  case VIR_TYPED_PARAM_STRING:
    lua_pushstring(L, p->value.s);
    break;
  default:
    lua_pushnil(L);
  }
}

void gl_push_params(lua_State *L, const virTypedParameter *params, int count)
{
  lua_createtable(L, 0, count);
  for (int i = 0; i < count; i++) {
    gl_push_param(L, &params[i]);
    lua_setfield(L, -2, params[i].field);
  }
}
