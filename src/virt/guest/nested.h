/* Typed parameters as nested tables: "block.0.rd.bytes" is block[0].rd.bytes. */
#ifndef GL_GUEST_NESTED_H
#define GL_GUEST_NESTED_H

#include <libvirt/libvirt.h>
#include <lua.h>

/* How many layouts are known at most: the guests of a host have few. */
enum { GL_LAYOUTS = 32 };

/* What is known of the parameters of earlier guests: their names, of which most guests have the same, are taken apart once. */
typedef struct gl_nested {
  struct gl_layout *layouts[GL_LAYOUTS];
  int count;
  int known; /* the index of a table on the stack: it has the keys, and owns the layouts */
  int keys;  /* how many there are in it */
} gl_nested;

/* Begins a list of guests. Their parameters have to live until the end, which is when the caller removes what is pushed. [-0, +1, m] */
void gl_nested_begin(lua_State *L, gl_nested *self);

/* Pushes the table. self: NULL for a single one. [-0, +1, m] */
void gl_nested_push(lua_State *L, gl_nested *self, const virTypedParameter *params, int count);

#endif
