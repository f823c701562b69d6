/* Opening connections. */
#ifndef GL_HOST_OPEN_H
#define GL_HOST_OPEN_H

#include "call/op.h"

/* Any thread. keepalive: seconds between probes, 0: none. */
virConnectPtr gl_host_connect(const char *uri, unsigned flags, int keepalive);

/* guestlua.open */
extern const gl_opdef gl_host_open;

#endif
