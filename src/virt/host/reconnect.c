/* Host: whether its connection is alive, and its replacement. */
#include <lauxlib.h>
#include <libvirt/virterror.h>
#include <string.h>

#include "base/error.h"
#include "call/flight.h"
#include "call/push.h"
#include "event/registration.h"
#include "virt/host/open.h"
#include "virt/host/rows.h"

static int is_alive_run(gl_op *op)
{
  return virConnectIsAlive(gl_op_connect(op));
}
static const gl_opdef is_alive_def = {
  .name = "is_alive",
  .call = "virConnectIsAlive",
  .help = "Whether the connection still works.",
  .result = {"boolean"},
  .run = is_alive_run,
  .push = gl_push_boolean,
  .quick = true,
};

typedef struct reconnect_op {
  gl_op op;
  double gap;
  virConnectPtr opened;
  int count;
  gl_handle **known; /* what the open objects hold, counted, and what it is found to be: */
  gl_handle **found; /* NULL: gone */
} reconnect_op;

static const gl_param reconnect_params[] = {
  GL_OPTION(reconnect_op, gap, &gl_number, "the seconds without a connection, for the event \"reconnected\""),
  GL_END,
};

static void reconnect_check(lua_State *L, gl_op *op)
{
  reconnect_op *self = (reconnect_op *)op;
  if (op->connection->handed_over) /* whether it is read-only cannot be asked */
    gl_error_throw(L, "no_support", "reconnect: this connection is the program's own, which opens it again and hands the new one over");
  int count = 0;
  for (gl_object *o = op->connection->children; o; o = o->next)
    count += o->type->handle != NULL;
  self->known = gl_arena_room(L, &op->args.arena, (size_t)count * sizeof *self->known);
  self->found = gl_arena_room(L, &op->args.arena, (size_t)count * sizeof *self->found);
  for (gl_object *o = op->connection->children; o; o = o->next)
    if (o->type->handle) {
      self->found[self->count] = NULL;
      self->known[self->count++] = gl_handle_ref(o->type->handle(o));
    }
}

static int reconnect_run(gl_op *op)
{
  reconnect_op *self = (reconnect_op *)op;
  gl_connection *c = op->connection;
  bool remote;
  self->opened = gl_host_connect(c->uri, c->credentials, c->readonly ? VIR_CONNECT_RO : 0, c->keepalive, &remote);
  if (!self->opened)
    return -1;
  for (int i = 0; i < self->count; i++) {
    virErrorPtr why = NULL;
    self->found[i] = self->known[i]->type->find(self->opened, self->known[i], &why);
    if (!self->found[i] && !(why && gl_handle_is_missing(why->code)))
      return (op->error = why) ? -1 : gl_op_fail(op, "no_memory", "out of memory");
    virFreeError(why);
    if (self->found[i] && self->known[i]->identity)
      self->found[i]->identity = strdup(self->known[i]->identity);
  }
  return gl_event_reconnect(op->connection, self->opened);
}

/* From here on calls use the new connection. The worker then drops the old one, as the op's own. */
static int let_go_run(gl_op *op)
{
  gl_event_report_gap(op->connection);
  return 0;
}
static const gl_opdef let_go_def = {.name = "close", .call = "virConnectClose", .run = let_go_run};

static int reconnect_push(lua_State *L, gl_op *op)
{
  reconnect_op *self = (reconnect_op *)op;
  gl_connection *h = op->connection;
  if (!h->handle) /* closed meanwhile */
    return 0;
  gl_handle *old = h->handle, *new = gl_handle_new(&gl_connect_handle, self->opened, "");
  if (!new)
    return luaL_error(L, "guestlua: out of memory");
  h->handle = new;
  self->opened = NULL;
  h->gap = self->gap;
  for (gl_object *o = h->children; o; o = o->next)
    for (int i = 0; o->type->handle && i < self->count; i++) {
      if (o->type->handle(o) != self->known[i])
        continue;
      o->type->renew(o, self->found[i] ? gl_handle_ref(self->found[i]) : NULL);
      break;
    }
  for (int i = 0; i < self->count; i++) { /* while the old connection is held still: this only drops counts */
    gl_handle_unref(self->known[i]);
    self->known[i] = NULL;
  }
  gl_op_detach(h, &let_go_def, old);
  return 0;
}

static void reconnect_release(gl_op *op)
{
  reconnect_op *self = (reconnect_op *)op;
  for (int i = 0; i < self->count; i++) {
    gl_handle_unref(self->known[i]);
    gl_handle_unref(self->found[i]);
  }
  gl_host_discard(op->state, self->opened);
}
static const gl_opdef reconnect_def = {
  .name = "reconnect",
  .call = "virConnectOpenAuth",
  .help = "Reopens a lost connection. Guests and subscriptions move to it, and each subscription gets an event \"reconnected\", because "
          "it missed what happened in between. guestlua.open(uri, {reconnect=true}) does this by itself.",
  .params = reconnect_params,
  .size = sizeof(reconnect_op),
  .check = reconnect_check,
  .run = reconnect_run,
  .push = reconnect_push,
  .release = reconnect_release,
};

const gl_opdef *const gl_host_reconnect_ops[] = {&is_alive_def, &reconnect_def, NULL};
