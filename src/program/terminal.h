/*
 * The terminal of the command: the prompt and its history, by GNU readline, and the key that requests the status. Only the executable has
 * it: readline is under the GPL, and programs that embed the library must not inherit that.
 */
#ifndef GL_TERMINAL_H
#define GL_TERMINAL_H

#include <lua.h>

/* The module "guestlua.terminal". [-0, +1, e] */
int gl_terminal_open(lua_State *L);

#endif
