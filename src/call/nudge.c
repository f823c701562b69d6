#include "call/nudge.h"

#include <libvirt/libvirt.h>
#include <stdlib.h>

/* A nudge may be lost like any other call. */
#define MOST 2

typedef struct nudge {
  gl_work work;
  gl_connection *connection;
  gl_handle *handle;
} nudge;

/* Worker. */
static void make_call(gl_work *w)
{
  nudge *self = w->about;
  unsigned long version;
  virConnectGetLibVersion(self->handle->ptr, &version);
  gl_handle_release(self->handle);
}

static void over(gl_work *w)
{
  nudge *self = w->about;
  w->state->nudges--;
  self->connection->nudges--;
  gl_handle_forget(self->handle);
  gl_connection_unref(self->connection);
  free(self);
}

void gl_nudge(gl_connection *c)
{
  if (!c->remote || !c->handle || c->nudges >= MOST)
    return;
  nudge *self = malloc(sizeof *self);
  if (!self)
    return;
  *self = (nudge){.work = {.state = c->state, .run = make_call, .done = over, .about = self},
                  .connection = gl_connection_ref(c),
                  .handle = gl_handle_ref(c->handle)};
  c->nudges++;
  c->state->nudges++;
  gl_work_submit(&self->work);
}
