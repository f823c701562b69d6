/*
 * Objects: checked userdata, and the order of closing.
 *
 * Every userdata starts with a gl_object. Guests and subscriptions are on their connection's list, so that closing the Host closes them
 * first. The class (class.h) lists the methods that Lua can call.
 */
#ifndef GL_OBJECT_H
#define GL_OBJECT_H

#include <lua.h>
#include <stdbool.h>

#include "call/connection.h"

typedef struct gl_type {
  const char *name;                                       /* "Guest" */
  void (*bind)(lua_State *L, gl_object *self, gl_op *op); /* fills in the op's subject; may raise "closed"; may be NULL */
  void (*close)(gl_object *self);                         /* releases everything and never blocks; may be NULL */
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

/* Pushes a new object, still closed. user_values: the number of Lua values it keeps alive. [-0, +1, e] */
void *gl_object_new(lua_State *L, const gl_type *type, size_t size, int user_values);

/* Opens it as a child of the connection: its type's close will be called from now on. Raises "closed" if the connection was closed
 * meanwhile.
 * [-0, +0, v] */
void gl_object_adopt(lua_State *L, gl_object *o, gl_connection *connection);

/* The object at index, open or not, of the type or of the one that has its methods too, or NULL. [-0, +0, -] */
static inline gl_object *gl_object_test(lua_State *L, int index, const gl_type *type)
{
  gl_object *o = lua_touserdata(L, index);
  /* No foreign userdata begins with the address of a type of this library, and a light userdata has no length. Half the cost of comparing
   * metatables. */
  return o && lua_rawlen(L, index) >= sizeof *o && (o->type == type || (type->also && o->type == type->also)) ? o : NULL;
}

/* The open object at index; raises "bad_argument" or "closed". [-0, +0, v] */
void *gl_object_check(lua_State *L, int index, const gl_type *type, const char *method);

/* Closes it once: calls its type's close, and takes it off the list. */
void gl_object_close(gl_object *o);

#endif
