/*
 * Objects of libvirt's that are no connection and no guest: networks, pools, volumes, snapshots … All are the same userdata: a handle, and
 * in the user value what they were found on, a Host, a Guest, a pool, which they keep alive. What distinguishes one class from another is a
 * row.
 */
#ifndef GL_OBJECT_NAMED_H
#define GL_OBJECT_NAMED_H

#include "call/class.h"
#include "call/handle.h"
#include "call/op.h"

typedef struct gl_named_type {
  gl_type type; /* the first, so that it is known by that */
  const gl_handle_type *handle_type;
  gl_handle *(*handle_of)(void *ptr); /* takes over the pointer; NULL: no memory */

  /* In the place of the two above, for guests: pushes one that takes over the pointer. [-0, +1, e] */
  void (*push)(lua_State *L, gl_connection *connection, int parent, void **ptr);
} gl_named_type;

/* Pushes an object that takes over *ptr (and sets it to NULL). parent: the stack index of what it was found on. [-0, +1, e] */
void gl_named_push(lua_State *L, const gl_named_type *type, gl_connection *connection, int parent, void **ptr);

/* The object at index is known by that text, which it takes over (and sets to NULL). [-0, +0, -] */
void gl_named_identify(lua_State *L, int index, char **identity);

/* Parts of a gl_type: the same for all. */
void gl_named_bind(lua_State *L, gl_object *self, gl_op *op);
void gl_named_close(gl_object *self);
gl_handle *gl_named_handle(const gl_object *self);
void gl_named_renew(gl_object *self, gl_handle *handle);

/* The class's __tostring; rows that all have, or those that have a name, a uuid. */
int gl_named_tostring(lua_State *L);
extern const gl_opdef gl_named_close_def, gl_named_host_def, gl_named_name_def, gl_named_uuid_def;

/* Pushes what the object at index was found on, if it is of the type, or nil; the Host at the end of that way. [-0, +1, -] */
void gl_named_push_parent(lua_State *L, int index, const gl_type *type);

#endif
