/* A call of a method: from the arguments on the Lua stack to the results. */
#ifndef GL_INVOKE_H
#define GL_INVOKE_H

#include "call/op.h"

/* Calls the operation with the arguments on the stack, self (of that type; NULL: no self) first: on a worker with the task parked,
 * or inline. Use as `return gl_op_invoke(…)`. [-0, +?, v] */
int gl_op_invoke(lua_State *L, const gl_opdef *def, const gl_type *type);

/* The two halves of gl_op_invoke, for a caller that fills in the op's references itself: pushes a box with a new op, to be closed when the
 * C function returns; makes the call. [-0, +1, e] [-0, +?, v] */
gl_op *gl_op_new(lua_State *L, const gl_opdef *def);
int gl_op_start(lua_State *L, gl_op *op);

/* Runs an operation on a worker without a waiter: closes objects that were garbage collected. Takes over the handle. Never blocks, never
 * raises. The first of both is for an op with more fields, which the caller sets before gl_op_submit; NULL: no memory. */
gl_op *gl_op_detached(gl_connection *connection, const gl_opdef *def, gl_handle *handle);
void gl_op_detach(gl_connection *connection, const gl_opdef *def, gl_handle *handle);

/* Prepares this file's data, and sets on_cancelled in the table on top of the stack. [-0, +0, e] */
void gl_invoke_open(lua_State *L);

#endif
