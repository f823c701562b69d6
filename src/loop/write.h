/* Files that are written while Lua goes on: those of the journal (lua/guestlua/base/journal.lua), as their way to the disk takes as long as
 * several calls. */
#ifndef GL_WRITE_H
#define GL_WRITE_H

#include <lua.h>

/* Sets begin_write in the table on top of the stack. [-0, +0, m] */
void gl_write_open(lua_State *L);

#endif
