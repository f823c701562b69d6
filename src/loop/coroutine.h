/*
 * Coroutines of the user's own: what stands in for coroutine.create, resume and wrap.
 *
 * A wait inside of such a coroutine parks the whole task: the yield goes on through those who resumed it, who do not notice, up to the
 * loop. A coroutine that waits, a task's own as well, is resumed and closed by nobody but the loop. And gl_state.active follows who resumes
 * whom: Lua has a hook for each coroutine and no way to ask which one runs, and an interrupt must reach what computes inside one.
 */
#ifndef GL_COROUTINE_H
#define GL_COROUTINE_H

#include <lua.h>

/* Puts them into the library, where the state has opened it. [-0, +0, e] */
void gl_coroutine_open(lua_State *L);

#endif
