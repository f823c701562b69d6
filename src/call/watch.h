/*
 * What the calls tell of themselves, for the log and for the dry run: tables, handed to the one function that the modules in Lua have set
 * with core.on_call. How a line of the log looks, and where it goes, is lua/guestlua/log.lua.
 */
#ifndef GL_WATCH_H
#define GL_WATCH_H

#include <lua.h>
#include <stdbool.h>

typedef struct gl_op gl_op;

/* The bits of state->watch. */
enum {
  GL_WATCH_TRACE = 1,   /* each call is told when it is over */
  GL_WATCH_DRY_RUN = 2, /* each call that changes something is told, and not made */
};

/* Tells of a call that is over, or that nobody waits for any more: then kind says why. [-0, +0, e] */
void gl_log_call(lua_State *L, const gl_op *op, const char *kind);

/* Whether the call is not made, because this is a dry run; tells of it, and gives what it would have given where that is plain. Use as
 * `return gl_log_hold(L, op)`. [-0, +?, v] */
bool gl_log_holds(const gl_op *op);
int gl_log_hold(lua_State *L, const gl_op *op);

/* Sets on_call, trace and dry_run in the table on top of the stack. [-0, +0, m] */
void gl_log_open(lua_State *L);

#endif
