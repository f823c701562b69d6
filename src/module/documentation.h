#ifndef GL_DOCUMENTATION_H
#define GL_DOCUMENTATION_H

#include <lua.h>

/* core.documentation(): what help() and the manual are made of. */
int gl_documentation(lua_State *L);

#endif
