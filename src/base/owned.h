/* Texts that C has allocated, as Lua's strings. */
#ifndef GL_OWNED_H
#define GL_OWNED_H

#include <lua.h>

/* Pushes a string of these bytes, and frees what they are in: also if there is no memory for the string, which is raised then. A script
 * that catches that error could otherwise fill the memory that its limit does not count. [-0, +1, m] */
void gl_owned_push(lua_State *L, const char *bytes, size_t length, void *what, void (*release)(void *what));

#endif
