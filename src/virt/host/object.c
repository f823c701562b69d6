#include "virt/host/object.h"

#include <lauxlib.h>

#include "base/error.h"
#include "call/flight.h"
#include "call/invoke.h"
#include "call/push.h"
#include "event/registration.h"

static void host_bind(lua_State *L, gl_object *self, gl_op *op)
{
  (void)L;
  op->subject = self->connection->handle;
  op->uri = self->connection->uri;
}

/* Speaking to the daemon is left to a worker, which then drops the last reference to the connection, as the op's own. */
static int disconnect_run(gl_op *op)
{
  gl_event_deregister(op->connection);
  return 0;
}
static const gl_opdef disconnect_def = {.name = "close", .call = "virConnectClose", .run = disconnect_run};

/* Closes the children, and releases the handle to the caller. */
static gl_handle *host_release(gl_connection *h)
{
  while (h->children)
    gl_object_close(h->children);
  gl_handle *handle = h->handle;
  h->handle = NULL;
  return handle;
}

static void host_on_close(gl_object *self)
{
  gl_connection *h = self->connection;
  h->state->alive.hosts--;
  gl_handle *handle = host_release(h);
  if (handle)
    gl_op_detach(h, &disconnect_def, handle);
}

const gl_type gl_host_type = {.name = "Host", .bind = host_bind, .close = host_on_close};

/* Unlike __gc and __close, it waits until the connection is closed. */
static int host_close(lua_State *L, gl_args *args)
{
  (void)args;
  gl_object *self = gl_object_test(L, 1, &gl_host_type);
  if (self && self->closed)
    return 0;
  self = gl_object_check(L, 1, &gl_host_type, "close");
  gl_op *op = gl_op_new(L, &disconnect_def);
  op->state = self->connection->state;
  op->connection = gl_connection_ref(self->connection);
  op->uri = op->connection->uri;
  op->held = true;
  op->subject = host_release(self->connection);
  gl_object_close(self);
  return gl_op_start(L, op);
}
const gl_opdef gl_host_close = {
  .name = "close",
  .call = "virConnectClose",
  .help = "Closes the connection and all its guests and subscriptions: later uses of them raise an error of kind \"closed\". "
          "Calls under way are not disturbed. Closing twice is harmless.",
  .invoke = host_close,
};

/* Pushes an open Host without a connection. */
gl_connection *gl_host_push_empty(lua_State *L, gl_state *s)
{
  gl_object *o = gl_object_new(L, &gl_host_type, sizeof *o, 0);
  gl_connection *h = gl_connection_new(s);
  if (!h)
    luaL_error(L, "guestlua: out of memory");
  o->connection = h;
  o->closed = false;
  s->alive.hosts++;
  return h;
}

void gl_host_push(lua_State *L, gl_state *s, virConnectPtr conn)
{
  gl_connection *h = gl_host_push_empty(L, s);
  h->handle = virConnectRef(conn) < 0 ? NULL : gl_handle_new(&gl_connect_handle, conn, "");
  if (!h->handle) {
    gl_object_close(lua_touserdata(L, -1));
    gl_error_throw(L, "invalid_conn", "guestlua_push_connect: this is no open connection");
  }
  h->uri = virConnectGetURI(conn);
  h->handed_over = h->remote = true;
}

/* ---- fields ---- */

static int uri_push(lua_State *L, gl_op *op)
{
  lua_pushstring(L, op->uri);
  return 1;
}
const gl_opdef gl_host_uri = {
  .name = "uri",
  .call = "virConnectGetURI",
  .help = "The URI of the connection, as libvirt completed it.",
  .result = {"string"},
  .run = gl_run_nothing,
  .push = uri_push,
  .memory = true,
};

static int hostname_run(gl_op *op)
{
  return (((gl_text_op *)op)->text = virConnectGetHostname(gl_op_connect(op))) ? 0 : -1;
}
const gl_opdef gl_host_hostname = {
  .name = "hostname",
  .call = "virConnectGetHostname",
  .help = "The host name of the machine that runs the guests.",
  .result = {"string"},
  .size = sizeof(gl_text_op),
  .run = hostname_run,
  .push = gl_push_text,
  .release = gl_release_text,
  .quick = true,
};

typedef struct version_op {
  gl_op op;
  unsigned long result;
} version_op;

static int libvirt_version_run(gl_op *op)
{
  return virConnectGetLibVersion(gl_op_connect(op), &((version_op *)op)->result);
}

static int version_push(lua_State *L, gl_op *op)
{
  unsigned long v = ((version_op *)op)->result;
  lua_pushfstring(L, "%d.%d.%d", (int)(v / 1000000), (int)(v / 1000 % 1000), (int)(v % 1000));
  return 1;
}
const gl_opdef gl_host_libvirt_version = {
  .name = "libvirt_version",
  .call = "virConnectGetLibVersion",
  .help = "The version of the libvirt at the other end of the connection.",
  .result = {"string"},
  .returns = "string, as in \"9.0.0\"",
  .size = sizeof(version_op),
  .run = libvirt_version_run,
  .push = version_push,
  .quick = true,
};
