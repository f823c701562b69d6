#ifndef GL_DISK_CLASS_H
#define GL_DISK_CLASS_H

#include "call/class.h"

extern const gl_class gl_block_device_class;

#endif
