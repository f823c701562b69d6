/* The flight of an op: to a worker, through the gates of its connection and its guest, and back. */
#ifndef GL_FLIGHT_H
#define GL_FLIGHT_H

#include "call/op.h"

/* Pushes a new op, a userdata to be closed when the C function returns. [-0, +1, e] */
gl_op *gl_op_new(lua_State *L, const gl_opdef *def);

/* Makes the call on this thread. Any thread. */
void gl_op_run(gl_op *op);

/* Pushes the results of a call that is over, or raises its error. [-0, +?, v] */
int gl_op_finish(lua_State *L, gl_op *op);

/* Makes the call on a worker, with references of its own, so that closing the connection and the subject meanwhile is safe; the task is
 * parked. Use as `return gl_op_fly(…)`. [-0, +?, v] */
int gl_op_fly(lua_State *L, gl_op *op);

/* Nobody waits any more: raises an error of that kind, once libvirt has been asked to end the call, if its row names a method for that and
 * no time limit is the reason. [-0, +0, v] */
int gl_op_abandon(lua_State *L, gl_op *op, const char *kind);

/* Runs an operation on a worker without a waiter: closes objects that were garbage collected. Takes over the handle. Never blocks, never
 * raises. The first of both is for an op with more fields, which the caller sets before gl_op_submit; NULL: no memory. */
gl_op *gl_op_detached(gl_connection *connection, const gl_opdef *def, gl_handle *handle);
void gl_op_detach(gl_connection *connection, const gl_opdef *def, gl_handle *handle);

/* Gives it to a worker, now or when the connection has room for it. Lua thread. */
void gl_op_submit(gl_op *op);

/* Prepares this file's data, and sets on_cancelled in the table on top of the stack. [-0, +0, e] */
void gl_flight_open(lua_State *L);

#endif
