#ifndef GL_HOST_H
#define GL_HOST_H

#include "class.h"
#include "op.h"

extern const gl_class gl_host_class;

/* guestlua.open */
extern const gl_opdef gl_host_open;

#endif
