/*
 * Parameters: the arguments of a method, as data. The reader (args.h), the log, the manual and the error messages all use this list.
 *
 * Positional parameters come first, in the order of the list; the others are keys of the options table, the last argument.
 */
#ifndef GL_PARAM_H
#define GL_PARAM_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/names.h"
#include "base/printable.h"
#include "call/arena.h"

typedef struct gl_kind gl_kind;
typedef struct gl_param gl_param;

/* The head of every struct that arguments are read into. */
typedef struct gl_args {
  unsigned int flags; /* the sum of flags and choices */
  bool blocks;        /* the call can block, and so takes the option `timeout` */
  bool bounded;       /* `timeout` was given */
  double timeout;     /* its value in seconds */
  bool keep;          /* the struct outlives the C function: texts are copied into the arena, or else they point into the Lua stack */
  uint64_t given;     /* a bit for each parameter of the list, by its number */
  gl_arena arena;
} gl_args;

/* One argument that is being read. */
typedef struct gl_reader {
  const char *method;
  const gl_param *param;
  gl_args *args;
  void *field; /* of the parameter, in the struct that args is the head of */
} gl_reader;

/* A kind of argument. Another folder may have kinds of its own: element/kind.c. */
struct gl_kind {
  const char *name;           /* its name in messages and in the manual */
  bool takes_table;           /* an argument of this kind may be a table, so that one is not taken for the options */
  bool stays;                 /* on the Lua stack, for `invoke` */
  gl_printable_known secrecy; /* of a text: the secret parts, to be masked from now on */

  /* Checks the argument at index and puts it into its field; raises "bad_argument". [-0, +0, v] */
  void (*read)(lua_State *L, int index, const gl_reader *r);

  /* Pushes the argument's value, for the log, without secrets. NULL: it is not shown. [-0, +1, m] */
  void (*show)(lua_State *L, const gl_param *p, const gl_args *args);

  /* Takes over a text for people, and gives it without the secrets of the argument. NULL: it has none. */
  char *(*mask)(char *text, const gl_param *p, const gl_args *args);
};

struct gl_param {
  const char *name; /* NULL ends the list */
  const gl_kind *kind;
  bool positional, required;
  unsigned int bit, other_bit; /* of a flag, of a choice */
  long long max;               /* of an integer; 0: any */
  size_t offset;               /* of the field in the struct that starts with gl_args */
  union {
    const gl_enum *names;
    const gl_param *more; /* of the end of a list: flags and choices that follow, which several lists have in common */
  };
  const char *help;
};

/* clang-format off */

/* For positional arguments; the field is named like the argument. */
#define GL_ARG(type, field, kind_, text) \
  {.name = #field, .kind = kind_, .positional = true, .required = true, .offset = offsetof(type, field), .help = text}
#define GL_ARG_OR_NIL(type, field, kind_, text) \
  {.name = #field, .kind = kind_, .positional = true, .offset = offsetof(type, field), .help = text}
#define GL_ARG_NAME(type, field, names_, text) \
  {.name = #field, .kind = &gl_name, .positional = true, .required = true, .offset = offsetof(type, field), .names = names_, .help = text}
#define GL_ARG_FLAGS(type, field, names_, text) \
  {.name = #field, .kind = &gl_flags, .positional = true, .required = true, .offset = offsetof(type, field), .names = names_, .help = text}
/* For arguments that stay on the Lua stack, for `invoke`. */
#define GL_ARG_HERE(name_, kind_, required_, text) \
  {.name = name_, .kind = kind_, .positional = true, .required = required_, .help = text}

/* For the keys of the options table. names: of the bits, by their number. */
#define GL_OPTION(type, field, kind_, text) \
  {.name = #field, .kind = kind_, .offset = offsetof(type, field), .help = text}
#define GL_OPTION_UP_TO(type, field, max_, text) \
  {.name = #field, .kind = &gl_integer, .max = max_, .offset = offsetof(type, field), .help = text}
#define GL_OPTION_FLAG(name_, bit_, text) \
  {.name = name_, .kind = &gl_flag, .bit = bit_, .help = text}
#define GL_OPTION_CHOICE(name_, bit_, other, text) \
  {.name = name_, .kind = &gl_choice, .bit = bit_, .other_bit = other, .help = text}
#define GL_OPTION_FLAGS(type, field, names_, text) \
  {.name = #field, .kind = &gl_flags, .offset = offsetof(type, field), .names = names_, .help = text}

#define GL_END {.name = NULL}
#define GL_MORE(flags_) {.name = NULL, .more = flags_}

/* clang-format on */

/* The first of a list, and the one after p; NULL: there is none. */
static inline const gl_param *gl_param_at(const gl_param *p)
{
  if (p && !p->name)
    p = p->more;
  return p && p->name ? p : NULL;
}
static inline const gl_param *gl_param_next(const gl_param *p)
{
  return gl_param_at(p + 1);
}

/* The field of a parameter. */
static inline const void *gl_param_field(const gl_param *p, const gl_args *args)
{
  return (const char *)args + p->offset;
}

#endif
