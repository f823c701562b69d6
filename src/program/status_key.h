/* The key that asks for the status. */
#ifndef GL_STATUS_KEY_H
#define GL_STATUS_KEY_H

#include <lua.h>

/* status_key(): from now on a key that is pressed asks for the status. False if nobody can press one: no terminal, or in the background. */
int gl_status_key(lua_State *L);

#endif
