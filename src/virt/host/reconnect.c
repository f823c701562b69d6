/* Host: whether its connection is alive, and its replacement. */
#include <lauxlib.h>
#include <libvirt/virterror.h>
#include <string.h>

#include "base/error.h"
#include "call/invoke.h"
#include "call/push.h"
#include "event/registration.h"
#include "virt/guest/object.h"
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

typedef char uuid_text[VIR_UUID_STRING_BUFLEN];

typedef struct reconnect_op {
  gl_op op;
  double gap;
  virConnectPtr opened;
  int count;
  uuid_text *uuids;  /* of the open guests, and their handles on the new connection: */
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
    count += o->type == &gl_guest_type;
  self->uuids = gl_arena_room(L, &op->args.arena, (size_t)count * sizeof *self->uuids);
  self->found = gl_arena_room(L, &op->args.arena, (size_t)count * sizeof *self->found);
  for (gl_object *o = op->connection->children; o; o = o->next)
    if (o->type == &gl_guest_type) {
      self->found[self->count] = NULL;
      virDomainGetUUIDString(gl_guest_domain(o), self->uuids[self->count++]);
    }
}

static int reconnect_run(gl_op *op)
{
  reconnect_op *self = (reconnect_op *)op;
  self->opened = gl_host_connect(op->connection->uri, op->connection->readonly, op->connection->keepalive);
  if (!self->opened)
    return -1;
  for (int i = 0; i < self->count; i++) {
    virDomainPtr dom = virDomainLookupByUUIDString(self->opened, self->uuids[i]);
    virErrorPtr e = dom ? NULL : virGetLastError();
    if (e && e->code != VIR_ERR_NO_DOMAIN)
      return -1;
    self->found[i] = dom ? gl_handle_of_domain(dom) : NULL;
    if (dom && !self->found[i]) {
      virDomainFree(dom);
      return gl_op_fail(op, "no_memory", "out of memory");
    }
  }
  return gl_event_reconnect(op->connection, self->opened);
}

/* From here on calls use the new connection. The worker then drops the old one, as the op's own. */
static int let_go_run(gl_op *op)
{
  gl_event_tell_gap(op->connection);
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
    for (int i = 0; o->type == &gl_guest_type && i < self->count; i++) {
      uuid_text uuid;
      virDomainGetUUIDString(gl_guest_domain(o), uuid);
      if (strcmp(uuid, self->uuids[i]) != 0)
        continue;
      gl_guest_reconnect(o, self->found[i] ? gl_handle_ref(self->found[i]) : NULL);
      break;
    }
  gl_op_detach(h, &let_go_def, old);
  return 0;
}

static void reconnect_release(gl_op *op)
{
  reconnect_op *self = (reconnect_op *)op;
  for (int i = 0; i < self->count; i++)
    gl_handle_unref(self->found[i]);
  if (self->opened)
    virConnectClose(self->opened);
}
static const gl_opdef reconnect_def = {
  .name = "reconnect",
  .call = "virConnectOpen",
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
