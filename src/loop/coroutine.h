/*
 * Coroutines of the user's own: replacements for coroutine.create, resume and wrap.
 *
 * A wait inside such a coroutine parks the whole task: the yield passes unnoticed through all the coroutines that resumed it, up to the
 * loop. Only the loop resumes and closes a coroutine that waits, including a task's own. gl_state.active follows each resume: Lua has
 * one hook per coroutine and cannot say which one runs, and an interrupt must reach the code running inside one.
 */
#ifndef GL_COROUTINE_H
#define GL_COROUTINE_H

#include <lua.h>

/* Puts them into the library, if the state has opened it. [-0, +0, e] */
void gl_coroutine_open(lua_State *L);

#endif
