/* Subscription: events of one or more kinds, of one object or of all of a host, for Lua. */
#ifndef GL_SUBSCRIPTION_H
#define GL_SUBSCRIPTION_H

#include "call/class.h"
#include "event/registration.h"

extern const gl_class gl_subscription_class;

/* Pushes a Subscription that takes over *sub, and keeps the object at index 1 alive. [-0, +1, e] */
void gl_sub_push(lua_State *L, gl_op *op, gl_sub **sub);

/* The row "subscribe" for the table of a class: but for a Host's it covers only the object that is bound. */
extern const gl_opdef gl_subscribe_host, gl_subscribe_guest, gl_subscribe_network, gl_subscribe_storagepool, gl_subscribe_nodedevice,
  gl_subscribe_secret;

#endif
