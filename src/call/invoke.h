/* A call of a method: from the arguments on the Lua stack to the results. */
#ifndef GL_INVOKE_H
#define GL_INVOKE_H

#include "call/op.h"

/* Calls the operation with the arguments on the stack, self (of that type; NULL: no self) first: on a worker with the task parked,
 * or inline. Use as `return gl_op_invoke(…)`. [-0, +?, v] */
int gl_op_invoke(lua_State *L, const gl_opdef *def, const gl_type *type);

/* Makes the call, for a caller that has made the op (gl_op_new) and filled in its references itself. [-0, +?, v] */
int gl_op_start(lua_State *L, gl_op *op);

#endif
