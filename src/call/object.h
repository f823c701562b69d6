/*
 * Objects: checked userdata, what is closed, and who is closed with whom.
 *
 * Every userdata starts with a gl_object. Guests and subscriptions are on their connection's list, so that closing the Host closes them
 * first. What Lua can call on it is its class (class.h).
 */
#ifndef GL_OBJECT_H
#define GL_OBJECT_H

#include <lua.h>
#include <stdbool.h>

#include "call/connection.h"

typedef struct gl_type {
  const char *name;                                       /* "Guest" */
  void (*bind)(lua_State *L, gl_object *self, gl_op *op); /* fills in what the op works on; may raise "closed"; may be NULL */
  void (*close)(gl_object *self);                         /* lets go of everything and never blocks; may be NULL */
  bool outlives;                                          /* what it refers to outlives it, so it has no __close */
  const struct gl_type *also;                             /* objects of this type have its methods too; may be NULL */

  /* What it holds of libvirt's, and another one in its place when the connection was opened again, which it takes over. NULL: there is none
   * any more. Both may be NULL: it holds nothing. */
  gl_handle *(*handle)(const gl_object *self);
  void (*renew)(gl_object *self, gl_handle *handle);
} gl_type;

struct gl_object {
  const gl_type *type;
  gl_connection *connection; /* counted */
  gl_object *next, **link;   /* on connection->children */
  bool closed;
};

/* Pushes a new object, still closed. user_values: how many Lua values it keeps alive. [-0, +1, e] */
void *gl_object_new(lua_State *L, const gl_type *type, size_t size, int user_values);

/* Opens it as a child of the connection: from here on its type's close is owed. Raises "closed" if that was closed meanwhile.
 * [-0, +0, v] */
void gl_object_adopt(lua_State *L, gl_object *o, gl_connection *connection);

/* The object at index, open or not, of the type or of the one that has its methods too, or NULL. [-0, +0, -] */
gl_object *gl_object_test(lua_State *L, int index, const gl_type *type);

/* The open object at index; raises "bad_argument" or "closed". [-0, +0, v] */
void *gl_object_check(lua_State *L, int index, const gl_type *type, const char *method);

/* Closes it once: its type's close, and its place on the list. */
void gl_object_close(gl_object *o);

#endif
