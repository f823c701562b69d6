/* BlockDevice: one disk of a guest, and the job on it. */
#ifndef GL_DISK_OBJECT_H
#define GL_DISK_OBJECT_H

#include "call/op.h"

extern const gl_type gl_block_device_type;

/* The user values of a BlockDevice: its Guest, and the Subscription to the events of the job started last. */
enum { GL_DISK_GUEST = 1, GL_DISK_EVENTS = 2 };

int gl_block_device_tostring(lua_State *L);

/* Guest.get_block_device; and fields. */
extern const gl_opdef gl_get_block_device, gl_block_device_name, gl_block_device_guest;

#endif
