/* BlockDevice: one disk of a guest, and the job on it. */
#ifndef GL_DISK_OBJECT_H
#define GL_DISK_OBJECT_H

#include "call/op.h"
#include "event/queue.h"

/* Holds no libvirt object itself, and is of no use once the guest is closed. */
typedef struct gl_block_device {
  gl_object object;
  gl_object *guest;
  gl_sub *events; /* of the job started last; NULL: there are none, or job_events has made a Subscription of them */
  char disk[];
} gl_block_device;

extern const gl_type gl_block_device_type;

/* The user values of a BlockDevice: its Guest, and the Subscription that job_events has made. */
enum { GL_DISK_GUEST = 1, GL_DISK_EVENTS = 2 };

int gl_block_device_tostring(lua_State *L);

/* Guest.get_block_device; and fields. */
extern const gl_opdef gl_get_block_device, gl_block_device_name, gl_block_device_guest;

#endif
