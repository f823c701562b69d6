/*
 * A method's arguments -> a C struct, from a static list of gl_param. The same list is what the manual and the error messages are made of.
 *
 * Positional parameters come first, in the order of the list; the rest are keys of the options table, the last argument.
 */
#ifndef GL_ARGS_H
#define GL_ARGS_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/names.h"

typedef struct gl_op gl_op;

typedef enum gl_param_kind {
  GL_STRING,  /* const char * */
  GL_XML,     /* const char *: XML text, or an Element */
  GL_INTEGER, /* long long, from 0 up */
  GL_NUMBER,  /* double, from 0 up */
  GL_FLAG,    /* true adds `bit` to op->flags */
  GL_CHOICE,  /* true adds `bit` to op->flags, false adds `other_bit`, absent neither */
  GL_STRINGS, /* char **, ends with NULL: a list of strings */
  GL_FLAGS,   /* long long: an integer, or one of `names` of bits or a list of them */
  GL_NAME,    /* int: the value that one of `names` stands for */
  GL_ANY,     /* stays on the Lua stack */
  GL_REST,    /* any number of values, which stay on the Lua stack */
} gl_param_kind;

typedef struct gl_param {
  const char *name; /* NULL ends the list */
  gl_param_kind kind;
  bool positional, required;
  bool secret; /* never shown: masked in the log, and where libvirt's message has it */
  unsigned int bit, other_bit;
  long long max; /* of an integer; 0: any */
  size_t offset; /* of the field in the struct that embeds gl_op */
  const gl_enum *names;
  const char *help;
} gl_param;

/* For the positional arguments; the field is named like the argument. */
#define GL_ARG(type, field, kind_, text)                                                                               \
  {                                                                                                                    \
    .name = #field, .kind = kind_, .positional = true, .required = true, .offset = offsetof(type, field), .help = text \
  }
#define GL_ARG_OR_NIL(type, field, kind_, text)                                                      \
  {                                                                                                  \
    .name = #field, .kind = kind_, .positional = true, .offset = offsetof(type, field), .help = text \
  }
#define GL_ARG_SECRET(type, field, text)                                                                                                   \
  {                                                                                                                                        \
    .name = #field, .kind = GL_STRING, .positional = true, .required = true, .secret = true, .offset = offsetof(type, field), .help = text \
  }
#define GL_ARG_NAME(type, field, names_, text)                                                                                            \
  {                                                                                                                                       \
    .name = #field, .kind = GL_NAME, .positional = true, .required = true, .offset = offsetof(type, field), .names = names_, .help = text \
  }
#define GL_ARG_FLAGS(type, field, names_, text)                                                                                            \
  {                                                                                                                                        \
    .name = #field, .kind = GL_FLAGS, .positional = true, .required = true, .offset = offsetof(type, field), .names = names_, .help = text \
  }
/* For arguments that stay on the Lua stack, where `invoke` finds them. */
#define GL_ARG_HERE(name_, kind_, required_, text)                                        \
  {                                                                                       \
    .name = name_, .kind = kind_, .positional = true, .required = required_, .help = text \
  }

/* For the keys of the options table. */
#define GL_OPTION(type, field, kind_, text)                                      \
  {                                                                              \
    .name = #field, .kind = kind_, .offset = offsetof(type, field), .help = text \
  }
#define GL_OPTION_UP_TO(type, field, max_, text)                                                   \
  {                                                                                                \
    .name = #field, .kind = GL_INTEGER, .max = max_, .offset = offsetof(type, field), .help = text \
  }
#define GL_OPTION_FLAG(name_, bit_, text)                     \
  {                                                           \
    .name = name_, .kind = GL_FLAG, .bit = bit_, .help = text \
  }
#define GL_OPTION_CHOICE(name_, bit_, other, text)                                  \
  {                                                                                 \
    .name = name_, .kind = GL_CHOICE, .bit = bit_, .other_bit = other, .help = text \
  }

/* For the keys of the options table. names: of the bits, by their number. */
#define GL_OPTION_FLAGS(type, field, names_, text)                                                   \
  {                                                                                                  \
    .name = #field, .kind = GL_FLAGS, .offset = offsetof(type, field), .names = names_, .help = text \
  }

#define GL_END   \
  {              \
    .name = NULL \
  }

/*
 * Reads the arguments at the stack indices from `first` to `top` into op, or, where op is NULL, only looks whether they are right. Strings
 * are copied into the op where it will outlive the call
 * (`keep`), and else point into the Lua stack. Raises an error of kind "bad_argument" that names the method and the valid choices. [-0, +0,
 * v]
 */
void gl_opts_read(lua_State *L, int first, int top, const char *method, const gl_param *params, gl_op *op, bool keep);

/* Whether the arguments have the option `timeout`, which every call that can block knows although it is in no list. One that a list has is
 * the call's own. [-0, +0, -] */
bool gl_opts_has_timeout(lua_State *L, int first, int top, const gl_param *params);

/* Pushes the list as a table, for help and the manual. [-0, +1, m] */
void gl_opts_push(lua_State *L, const gl_param *params, bool blocks);

#endif
