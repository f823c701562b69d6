/* A method's arguments -> a C struct that starts with gl_args, from a static list of gl_param. */
#ifndef GL_ARGS_H
#define GL_ARGS_H

#include "call/param.h"

/*
 * Reads the arguments at the stack indices from `first` to `top` into *args, which is zero except for `keep` and `blocks`. The options may
 * take the place of optional arguments, if only those are left. Raises an error of kind "bad_argument" that names the method and the
 * valid choices. [-0, +0, v]
 */
void gl_args_read(lua_State *L, int first, int top, const char *method, const gl_param *params, gl_args *args);

/* Whether the argument for the field was given. GL_GIVEN(commit_op, op, bandwidth) does the same for an op. */
bool gl_args_given(const gl_args *args, const gl_param *params, size_t offset);
#define GL_GIVEN(type, op_, field) gl_args_given(&(op_)->args, (op_)->def->params, offsetof(type, field))

/* Pushes the list as a table, for help and the manual. blocks: with the option `timeout`. [-0, +1, m] */
void gl_args_push(lua_State *L, const gl_param *params, bool blocks);

#endif
