/* Host: a connection to libvirt. */
#ifndef GL_HOST_OBJECT_H
#define GL_HOST_OBJECT_H

#include "call/op.h"

extern const gl_type gl_host_type;

/* Pushes a Host with its own reference to the connection. [-0, +1, e] */
void gl_host_push(lua_State *L, gl_state *s, virConnectPtr conn);

/* Pushes an open Host without a libvirt connection. [-0, +1, e] */
gl_connection *gl_host_push_empty(lua_State *L, gl_state *s);

/* Rows: close; and fields. */
extern const gl_opdef gl_host_close, gl_host_uri, gl_host_hostname, gl_host_libvirt_version;

#endif
