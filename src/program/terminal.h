/*
 * The terminal of the command: the prompt and its history, by GNU readline, and the key that asks for the status. Only the executable has
 * it: readline is under the GPL, and who embeds the library must not inherit that.
 */
#ifndef GL_TERMINAL_H
#define GL_TERMINAL_H

#include <lua.h>

/* The module "guestlua.terminal". [-0, +1, e] */
int gl_terminal_open(lua_State *L);

#endif
