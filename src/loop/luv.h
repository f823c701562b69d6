/* The Lua module luv on this library's loop: its timers, child processes and sockets run beside the guests' jobs. */
#ifndef GL_LUV_H
#define GL_LUV_H

#include <lua.h>

/* core.share_loop(set_loop, set_callback, version, path): for lua/guestlua/command/luv.lua. The arguments are functions of luv's library,
 * of the names luv_set_loop, luv_set_callback and uv_version, and where it is. Returns the functions that take the place of luv's own, as
 * its own would meddle with the loop: {run, stop, walk, loop_alive}; nil if luv has a copy of libuv to itself. [-0, +1, e] */
int gl_luv_share(lua_State *L);

/* For the end, before lua_close: lets luv's handles that are closing close. luv frees a handle that is collected while it closes, and the
 * loop would go on with it. [-0, +0, -] */
void gl_luv_settle(lua_State *L);

#endif
