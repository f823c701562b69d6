/* The Lua module luv on this library's loop: its timers, child processes and sockets run beside the guests' jobs. */
#ifndef GL_LUV_H
#define GL_LUV_H

#include <lua.h>

/* core.share_loop(set_loop, set_callback, version, path): for lua/guestlua/command/luv.lua. The arguments are luv's functions
 * luv_set_loop, luv_set_callback and uv_version, and the path of its library. Returns replacements for luv's functions that would
 * interfere with the loop: {run, stop, walk, loop_alive}; nil if luv has its own copy of libuv. [-0, +1, e] */
int gl_luv_share(lua_State *L);

#endif
