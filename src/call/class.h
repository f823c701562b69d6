/* Classes: what Lua can call on objects of a type. */
#ifndef GL_CLASS_H
#define GL_CLASS_H

#include "call/op.h"

typedef struct gl_class {
  const gl_type *type;
  const char *help;
  const gl_opdef *const *const *ops; /* tables of its methods, one per file; each table and the list end with NULL */
  const gl_opdef *const *fields;     /* ops without arguments that read as fields; may be NULL */
  int (*tostring)(lua_State *L);
  lua_CFunction index, newindex; /* for keys that are no method and no field: self, key [, value]; may be NULL */
  const gl_type *inherits; /* it has the methods of that, unless it has one of the name; that type's `also` is this one. May be NULL */
} gl_class;

/* Registers the class and pushes its table of methods, to which Lua code may add. [-0, +1, e] */
void gl_class_open(lua_State *L, const gl_class *class);

/* Pushes the function that calls an operation without self. [-0, +1, m] */
void gl_op_push(lua_State *L, const gl_opdef *def);

/* The `invoke` of a method "close". */
int gl_object_close_method(lua_State *L, gl_args *args);

#endif
