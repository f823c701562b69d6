/* Runs and pushers that many operations share. */
#ifndef GL_PUSH_H
#define GL_PUSH_H

#include "call/op.h"

/* An operation with a text as its result that libvirt allocated. */
typedef struct gl_text_op {
  gl_op op;
  char *text;
} gl_text_op;

int gl_push_text(lua_State *L, gl_op *op);
void gl_release_text(gl_op *op);

int gl_push_boolean(lua_State *L, gl_op *op); /* rc ~= 0 */
int gl_push_integer(lua_State *L, gl_op *op); /* rc */

/* Pushes the value of a typed parameter of libvirt's; all of them as a table from name to value. [-0, +1, m] [-0, +1, m] */
void gl_push_param(lua_State *L, const virTypedParameter *p);
void gl_push_params(lua_State *L, const virTypedParameter *params, int count);

/* The run of an op that only reads this process's memory, in its push. */
int gl_run_nothing(gl_op *op);

#endif
