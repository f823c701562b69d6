/*
 * guestlua: Guest and BlockDevice over libvirt, as Lua 5.4 userdata. The only public header.
 */
#ifndef GUESTLUA_H
#define GUESTLUA_H

#include <lua.h>

#define GUESTLUA_VERSION "0.1.0"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Pushes the module, the table that `require "guestlua"` gives. For luaL_requiref. Call it on the thread that runs the state; it starts
 * libvirt's event thread, once a process. Raises an error where the Lua in use is not 5.4. [-0, +1, e]
 */
int luaopen_guestlua(lua_State *L);

/*
 * Runs the function and its nargs arguments on top of the stack as a task, and the loop until the task has ended: its libvirt calls then
 * run on worker threads, and guestlua_interrupt reaches it. Returns LUA_OK with the results on the stack, or LUA_ERRRUN with the error
 * value and then the traceback. luaopen_guestlua comes first. [-(nargs+1), +results, e]
 */
int guestlua_run(lua_State *L, int nargs);

/* Makes what guestlua_run runs stop with an error of kind "interrupted". May be called from a signal handler on the thread that runs the
 * state. */
void guestlua_interrupt(lua_State *L, int signo);

/* Ends libvirt's event thread. For the end of the process, after the last lua_close. */
void guestlua_end(void);

#ifdef __cplusplus
}
#endif

#endif
