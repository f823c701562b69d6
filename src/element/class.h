/* Element: Lua's view of an XML element. */
#ifndef GL_ELEMENT_CLASS_H
#define GL_ELEMENT_CLASS_H

#include "call/class.h"

extern const gl_class gl_element_class;

/* guestlua.element */
extern const gl_opdef gl_element_make;

#endif
