#ifndef GL_HOST_CLASS_H
#define GL_HOST_CLASS_H

#include "call/class.h"

extern const gl_class gl_host_class;

#endif
