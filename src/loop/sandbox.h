/* Limits of a state's memory and of its scripts' instructions. The functions a script may reach are listed in
 * lua/guestlua/sandbox/init.lua. */
#ifndef GL_SANDBOX_H
#define GL_SANDBOX_H

#include <lua.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "loop/state.h"

/* Sets limit, charge, pcall and set_globals in the table on top of the stack; and remembers the present globals as those of this
 * library's own modules. [-0, +0, m] */
void gl_sandbox_open(lua_State *L, gl_state *s);

/* Gives the function on top of the stack, a module of this library just loaded, the original globals. [-0, +0, m] */
void gl_sandbox_trust(lua_State *L);

/* Restores the hook that counts instructions, if there is a limit; for code that set another hook, when it is done. */
void gl_sandbox_rehook(lua_State *L, gl_state *s);

/* A C function that runs for long on behalf of a script charges it as instructions; raises if there are none left. level: of the caller to
 * charge; 1: the caller of the C function. [-0, +0, v] */
void gl_sandbox_charge(lua_State *L, gl_state *s, long long cost, int level);

/* Whether any state of the process counts instructions; then, before a C function that may take long, what was taken since the last check
 * is paid for. [-0, +0, v] */
extern atomic_bool gl_sandbox_counts;
void gl_sandbox_settle(lua_State *L);

/* To be called before a task runs and after it, if the state counts instructions. */
void gl_sandbox_turn(gl_state *s);

/* Whether the instructions are used up: then nothing is waited for any more, except for an undo. */
bool gl_sandbox_is_used_up(const gl_state *s);

/* Raises that they are. */
_Noreturn void gl_sandbox_stop(lua_State *L);

/* The processor's time of this thread, in ns; and pays for what another thread has taken for a script. Any thread; the Lua thread. */
long long gl_sandbox_time(void);
void gl_sandbox_pay_time(gl_state *s, long long ns);

/* To be called for each new coroutine that scripts run in. */
void gl_sandbox_count_coroutine(gl_state *s);

/* Wraps the function on top of the stack, which is to be the body of such a coroutine, if that is needed. [-1, +1, m] */
void gl_sandbox_guard_coroutine(lua_State *L, const gl_state *s);

/* Raises if there is no room for so many more bytes of XML. [-0, +0, v] */
void gl_sandbox_check_xml(lua_State *L, const gl_state *s, size_t more);

#endif
