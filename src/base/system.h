/* The clock, streams and the terminal, for the modules in Lua. */
#ifndef GL_SYSTEM_H
#define GL_SYSTEM_H

#include <lua.h>

/* Sets timestamp, write_whole and columns in the table on top of the stack. [-0, +0, m] */
void gl_system_open(lua_State *L);

#endif
