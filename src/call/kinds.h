/* The kinds of arguments that need only Lua. Behind each is the type of its field. */
#ifndef GL_KINDS_H
#define GL_KINDS_H

#include "call/param.h"

extern const gl_kind gl_string;   /* const char * */
extern const gl_kind gl_secret;   /* const char *: never shown: masked in the log and in libvirt's messages */
extern const gl_kind gl_integer;  /* long long, from 0 up */
extern const gl_kind gl_number;   /* double, from 0 up */
extern const gl_kind gl_flag;     /* none: true adds `bit` to args->flags */
extern const gl_kind gl_choice;   /* none: true adds `bit` to args->flags, false adds `other_bit`, absent neither */
extern const gl_kind gl_strings;  /* char **, ends with NULL: a list of strings */
extern const gl_kind gl_flags;    /* long long: an integer, or one of `names` of bits or a list of them */
extern const gl_kind gl_name;     /* int: the value that one of `names` stands for */
extern const gl_kind gl_function; /* none: it stays in the options table */
extern const gl_kind gl_any;      /* none: it stays on the Lua stack */
extern const gl_kind gl_rest;     /* none: any number of values, which stay on the Lua stack */

/* For other kinds: raises that the value at index has the wrong type; reads it as a text into the field.
 * [-0, +0, v] */
_Noreturn void gl_kind_mismatch(lua_State *L, int index, const gl_reader *r);
void gl_kind_read_text(lua_State *L, int index, const gl_reader *r);

/* Pushes what helps who gave something of the type `got` for p: what p is; or nil. [-0, +1, m] */
void gl_kind_push_hint(lua_State *L, const gl_param *p, const char *got);

#endif
