/* Lua's find, match, gmatch and gsub once more: these pay for their steps (sandbox.h), where a pattern could keep Lua's own busy for ever.
 */
#ifndef GL_PATTERN_H
#define GL_PATTERN_H

#include <lua.h>

/* A lua_CFunction: a table of the functions. */
int gl_pattern_functions(lua_State *L);

#endif
