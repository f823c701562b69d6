/* Guest: a domain. The names and the options are the reference's, nova.virt.libvirt.guest.Guest. */
#ifndef GL_GUEST_OBJECT_H
#define GL_GUEST_OBJECT_H

#include "call/op.h"

extern const gl_type gl_guest_type;

/* Pushes a Guest that takes over *dom (and sets it to NULL). host_index: the stack index of the Host that it keeps alive. [-0, +1, e] */
void gl_guest_push(lua_State *L, gl_connection *host, int host_index, virDomainPtr *dom);

/* core.another(guest): the same guest as a value of its own, which stays open when the first is closed. */
int gl_guest_another(lua_State *L);

/* The domain of an open Guest. */
virDomainPtr gl_guest_domain(gl_object *guest);

/* The type's bind: fills in the subject of an operation. [-0, +0, v] */
void gl_guest_bind(lua_State *L, gl_object *guest, gl_op *op);

#endif
