#ifndef GL_HOST_H
#define GL_HOST_H

#include "call/class.h"
#include "call/op.h"

extern const gl_class gl_host_class;

/* Pushes a Host for a connection, with a reference of its own. [-0, +1, e] */
void gl_host_push(lua_State *L, gl_state *s, virConnectPtr conn);

/* guestlua.open */
extern const gl_opdef gl_host_open;

#endif
