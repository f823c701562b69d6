/* For the public functions: checks that a state may be used here; and values as texts. */
#ifndef GL_API_THREAD_H
#define GL_API_THREAD_H

#include "loop/state.h"

/* The state of L if it may be used here, on its own thread; otherwise NULL. L may be a coroutine of it. */
gl_state *gl_api_state(lua_State *L);

/* The same, if L can only be the main thread, for which a closed state can be detected. */
gl_state *gl_api_open_state(lua_State *L);

/* The same as gl_api_state; raises instead of NULL. [-0, +0, e] */
gl_state *gl_api_check(lua_State *L, const char *function);

/* Turns the value at index 1 into a text for people: a message handler. */
int gl_api_to_text(lua_State *L);

#endif
