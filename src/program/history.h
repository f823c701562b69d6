/* The history of the prompt, by GNU readline. */
#ifndef GL_HISTORY_H
#define GL_HISTORY_H

#include <lua.h>

int gl_history_open(lua_State *L);
int gl_history_entries(lua_State *L);
int gl_history_add(lua_State *L);

#endif
