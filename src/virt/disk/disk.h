#ifndef GL_DISK_H
#define GL_DISK_H

#include "call/class.h"
#include "call/op.h"

extern const gl_class gl_block_device_class;

extern const gl_opdef *const gl_disk_info_ops[]; /* disk_info.c: its size */

/* Guest.get_block_device */
extern const gl_opdef gl_get_block_device;

#endif
