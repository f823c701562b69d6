/* The key that requests the status report. */
#ifndef GL_STATUS_KEY_H
#define GL_STATUS_KEY_H

#include <lua.h>

/* status_key(): from now on a key press requests the status. False if that is impossible: no terminal, or in the background. */
int gl_status_key(lua_State *L);

#endif
