/* Element: Lua's view of an XML element. */
#ifndef GL_ELEMENT_H
#define GL_ELEMENT_H

#include <lua.h>
#include <stdbool.h>

#include "class.h"
#include "op.h"

/* Whether the value at index is an Element. [-0, +0, -] */
bool gl_element_test(lua_State *L, int index);

/* Pushes its XML text. [-0, +1, e] */
void gl_element_push_xml(lua_State *L, int index);

extern const gl_class gl_element_class;

/* guestlua.element */
extern const gl_opdef gl_element_make;

#endif
