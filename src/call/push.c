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
