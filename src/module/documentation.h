#ifndef GL_DOCUMENTATION_H
#define GL_DOCUMENTATION_H

#include <lua.h>

/* core.documentation(): the texts for help() and the manual; core.documentation(class, method): those of one method. */
int gl_documentation(lua_State *L);

#endif
