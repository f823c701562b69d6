/* The path of an op to a worker and back, through the gates of its connection and its guest. */
#ifndef GL_LANES_H
#define GL_LANES_H

#include "call/op.h"

/* Makes the call on this thread. Any thread. */
void gl_op_run(gl_op *op);

/* Takes references to the op's connection and subject, so that closing those during the call is safe. [-0, +0, e] */
void gl_op_hold(lua_State *L, gl_op *op);

/* Gives it to a worker, or queues it. Its waiters are woken when the call is over. Lua thread. */
void gl_op_submit(gl_op *op);

/* Nobody waits any more: frees the op, or has it freed when the call is over. Lua thread. */
void gl_op_abandon(gl_op *op);

#endif
