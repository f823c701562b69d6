/* How much memory a state may use, and for how long its scripts may compute. What a script may reach is lua/guestlua/sandbox/init.lua. */
#ifndef GL_SANDBOX_H
#define GL_SANDBOX_H

#include <lua.h>
#include <stdbool.h>

#include "loop/state.h"

/* Sets limit, charge, pcall and set_globals in the table on top of the stack; and remembers the present globals as those of our
 * own modules. [-0, +0, m] */
void gl_sandbox_open(lua_State *L, gl_state *s);

/* Makes the function on top of the stack, a module of ours that was just loaded, see the globals that were there at first. [-0, +0, m] */
void gl_sandbox_trust(lua_State *L);

/* Puts the hook back that counts instructions, where there is a limit; who set another one calls it when that is done. */
void gl_sandbox_rehook(lua_State *L, gl_state *s);

/* A C function that runs for long on behalf of a script pays for it as if it were instructions; raises if there are none left. level: of
 * the caller in question, 1 is who called the C function. [-0, +0, v] */
void gl_sandbox_charge(lua_State *L, gl_state *s, long long cost, int level);

/* Whoever makes a coroutine that scripts run in says so. */
void gl_sandbox_count_coroutine(gl_state *s);

/* The function on top of the stack is to be the body of one: puts another one around it, where that is needed. [-1, +1, m] */
void gl_sandbox_guard_coroutine(lua_State *L, const gl_state *s);

/* Raises if there is no memory for so many more bytes of XML. [-0, +0, v] */
void gl_sandbox_check_xml(lua_State *L, const gl_state *s, size_t more);

#endif
