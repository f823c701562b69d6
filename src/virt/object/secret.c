/* Secret: its value, which is bytes, and in no log. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/printable.h"
#include "event/subscription.h"
#include "virt/object/generated.h"
#include "virt/object/rows.h"

typedef struct value_op {
  gl_op op;
  gl_bytes value;
  unsigned char *found;
  size_t size;
} value_op;

static int get_value_run(gl_op *op)
{
  value_op *self = (value_op *)op;
  return (self->found = virSecretGetValue(op->subject->ptr, &self->size, 0)) ? 0 : -1;
}

static int get_value_push(lua_State *L, gl_op *op)
{
  const value_op *self = (value_op *)op;
  lua_pushlstring(L, (const char *)self->found, self->size);
  gl_printable_learn_bytes(L, lua_tostring(L, -1), self->size);
  return 1;
}

/* Not kept for longer than needed, and not left in memory that others get. */
static void value_release(gl_op *op)
{
  value_op *self = (value_op *)op;
  if (self->found)
    explicit_bzero(self->found, self->size);
  free(self->found);
}
static const gl_opdef get_value_def = {
  .name = "get_value",
  .call = "virSecretGetValue",
  .help = "The secret's value. From then on it is masked in the log and in errors. One that is private libvirt does not give out.",
  .result = {"string"},
  .size = sizeof(value_op),
  .run = get_value_run,
  .push = get_value_push,
  .release = value_release,
  GL_LOOK,
};

static const gl_param set_value_params[] = {
  GL_ARG(value_op, value, &gl_secret_bytes, "the value: any bytes"),
  GL_END,
};

static int set_value_run(gl_op *op)
{
  const value_op *self = (value_op *)op;
  return virSecretSetValue(op->subject->ptr, (const unsigned char *)self->value.data, self->value.size, 0);
}
static const gl_opdef set_value_def = {
  .name = "set_value",
  .call = "virSecretSetValue",
  .help = "Sets the secret's value.",
  .params = set_value_params,
  .size = sizeof(value_op),
  .run = set_value_run,
  GL_CHANGE,
};

const gl_opdef *const gl_secret_ops[] = {&get_value_def, &set_value_def, &gl_subscribe_secret, NULL};
