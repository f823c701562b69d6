/* Errors of calls: libvirt's own, and this library's. */
#ifndef GL_OP_ERROR_H
#define GL_OP_ERROR_H

#include "call/op.h"

/* Pushes libvirt's error for an op after its run failed; raises it. [-0, +1, m] [-0, +0, v] */
void gl_error_push_libvirt(lua_State *L, const gl_op *op);
_Noreturn void gl_error_libvirt(lua_State *L, const gl_op *op);

/* Sets the fields that identify the call in the table on top of the stack: op, call, host, guest, device. [-0, +0, m] */
void gl_op_error_set(lua_State *L, const gl_op *op);

/* Pushes what the call is, for people. [-0, +1, m] */
void gl_op_describe(lua_State *L, const void *op);

/* Raises an error of this library about a call. [-0, +0, v] */
_Noreturn void gl_error_call(lua_State *L, const gl_op *op, const char *kind, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Pushes an error of `kind` for an abandoned op. [-0, +1, m] */
void gl_error_push_abandoned(lua_State *L, const gl_op *op, const char *kind);

#endif
