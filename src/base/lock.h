/* Locks on files, for the claims of workflows (lua/guestlua/workflow/claim.lua). */
#ifndef GL_LOCK_H
#define GL_LOCK_H

#include <lua.h>

/* Sets lock and lock_holder in the table on top of the stack. [-0, +0, m] */
void gl_lock_open(lua_State *L);

#endif
