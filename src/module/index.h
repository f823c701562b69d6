/* The whole Lua interface: the functions and the classes. */
#ifndef GL_INDEX_H
#define GL_INDEX_H

#include "call/class.h"

extern const gl_opdef *const gl_functions[];
extern const gl_class *const gl_classes[];

#endif
