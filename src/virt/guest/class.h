#ifndef GL_GUEST_CLASS_H
#define GL_GUEST_CLASS_H

#include "call/class.h"

extern const gl_class gl_guest_class;

#endif
