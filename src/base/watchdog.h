/* A program that starts when this one dies (lua/guestlua/guest/watchdog.lua). */
#ifndef GL_WATCHDOG_H
#define GL_WATCHDOG_H

#include <lua.h>

/* Sets watchdog and command in the table on top of the stack. [-0, +0, m] */
void gl_watchdog_open(lua_State *L);

#endif
