/* For the public functions: whether a state may be used here; and values as texts. */
#ifndef GL_API_THREAD_H
#define GL_API_THREAD_H

#include "loop/state.h"

/* The state of L if it may be used here: on its thread. L may be a coroutine of it. Or else NULL. */
gl_state *gl_api_state(lua_State *L);

/* The same if L can only be the main thread, so that one that is closed can be told from one that is not. */
gl_state *gl_api_open_state(lua_State *L);

/* The same as gl_api_state; raises instead of NULL. [-0, +0, e] */
gl_state *gl_api_check(lua_State *L, const char *function);

/* The value at index 1 as people can read it: a message handler. */
int gl_api_to_text(lua_State *L);

#endif
