/* What the calls that are generated have in common: what comes back, in one place, so that they share how it is pushed and freed. */
#ifndef GL_OBJECT_REPLY_H
#define GL_OBJECT_REPLY_H

#include "call/op.h"

/* How many numbers a call gives at most. */
#define GL_MOST_NUMBERS 3

typedef struct gl_reply {
  gl_op op;
  union {
    char *text; /* the first, as in gl_text_op */
    const char *constant;
    void *object;
    void **list; /* of objects, or of texts */
    virTypedParameterPtr params;
  };
  int count;         /* of what is in the list */
  char **identities; /* of the objects; NULL: they have none */
  long long numbers[GL_MOST_NUMBERS];
  int number_count;
  const gl_enum *names; /* of the first number; NULL: it has none */
} gl_reply;

/* For run: keeps an object; one that may not be there; a list, with the type that it has. 0, or -1 if there is none. */
int gl_reply_object(gl_op *op, void *object);
int gl_reply_found(gl_op *op, void *object);
int gl_reply_list(gl_op *op, void *list, int count);

/* For run: room for so many parameters. */
int gl_reply_room(gl_op *op, int count);

/* Whether the driver may know an older function only: it does not know this one, or not its flags, of which none was given. */
bool gl_reply_may_be_older(const gl_op *op);

int gl_reply_push_object(lua_State *L, gl_op *op); /* nil if there is none */
int gl_reply_push_objects(lua_State *L, gl_op *op);
int gl_reply_push_texts(lua_State *L, gl_op *op);
int gl_reply_push_params(lua_State *L, gl_op *op); /* after the numbers, if there are any */
int gl_reply_push_numbers(lua_State *L, gl_op *op);
int gl_reply_push_boolean(lua_State *L, gl_op *op); /* whether the first number is not 0 */
int gl_reply_push_word(lua_State *L, gl_op *op);    /* of the first number */
int gl_push_constant(lua_State *L, gl_op *op);      /* nil if there is none */

void gl_reply_free_object(gl_op *op);
void gl_reply_free_objects(gl_op *op);
void gl_reply_free_texts(gl_op *op);
void gl_reply_free_params(gl_op *op);

/* How many texts there are in a list that ends with NULL; NULL has none. */
unsigned gl_count_texts(char *const *list);

/* Sets a field of the table on top of the stack. [-0, +0, m] */
void gl_set_integer(lua_State *L, const char *name, lua_Integer value);
void gl_set_text(lua_State *L, const char *name, const char *text);
void gl_set_word(lua_State *L, const char *name, const gl_enum *names, int value);

#endif
