/*
 * Reports of calls, for the log and for the dry run: tables, passed to the one function that the modules in Lua have set with
 * core.on_call. lua/guestlua/log/log.lua formats and writes the log lines.
 */
#ifndef GL_TRACE_H
#define GL_TRACE_H

#include "call/watch.h"

/* Whether calls that change something are only reported, and not made. */
bool gl_is_dry_run(const gl_state *s);

/* Sets on_call, trace and dry_run in the table on top of the stack. [-0, +0, m] */
void gl_trace_open(lua_State *L);

#endif
