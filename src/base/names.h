/* Names <-> numbers: enumerations. */
#ifndef GL_NAMES_H
#define GL_NAMES_H

#include <lua.h>

typedef struct gl_enum {
  const char *what;         /* a word for the values, for messages */
  const char *const *names; /* by value; a value without a name is a gap */
  int count;
} gl_enum;

/* From a list of names, each at the index of its value. */
#define GL_ENUM(what_, list)                                                       \
  {                                                                                \
    .what = what_, .names = list, .count = (int)(sizeof(list) / sizeof((list)[0])) \
  }

/* The name of a value, or NULL if this library has none for it. */
const char *gl_enum_name(const gl_enum *e, int value);

/* The value of a name, or -1. */
int gl_enum_value(const gl_enum *e, const char *name);

/* Pushes the name, or the number itself if it has no name: nothing is lost. [-0, +1, m] */
void gl_enum_push(lua_State *L, const gl_enum *e, int value);

/* Pushes a list of the names. [-0, +1, m] */
void gl_enum_push_list(lua_State *L, const gl_enum *e);

/* Pushes "a, b, c": the valid choices, for a message, and which of them is near to what was given. [-0, +1, m] */
void gl_enum_push_choices(lua_State *L, const gl_enum *e, const char *given);

#endif
