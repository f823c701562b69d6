/* How much memory a state may use, and for how long its scripts may compute. What a script may reach is lua/guestlua/sandbox.lua. */
#ifndef GL_SANDBOX_H
#define GL_SANDBOX_H

#include <lua.h>
#include <stdbool.h>

#include "state.h"

/* Sets limit and set_globals in the table on top of the stack; and remembers the present globals as those of our own
 * modules. [-0, +0, m] */
void gl_sandbox_open(lua_State *L);

/* Makes the function on top of the stack, a module of ours that was just loaded, see the globals that were there at first. [-0, +0, m] */
void gl_sandbox_trust(lua_State *L);

/* Puts the hook back that counts instructions, where there is a limit; who set another one calls it when that is done. */
void gl_sandbox_rehook(lua_State *L, gl_state *s);

/* For the end of the state: its own allocator again. */
void gl_sandbox_unlimit(lua_State *L, gl_state *s);

#endif
