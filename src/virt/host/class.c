/* Host: what Lua can call on it. */
#include "virt/host/class.h"

#include "base/printable.h"
#include "event/subscription.h"
#include "virt/guest/stats.h"
#include "virt/host/object.h"
#include "virt/host/rows.h"
#include "virt/object/generated.h"

static int host_tostring(lua_State *L)
{
  gl_object *self = gl_object_test(L, 1, &gl_host_type);
  if (!self || self->closed) {
    lua_pushliteral(L, "<Host (closed)>");
    return 1;
  }
  gl_printable_push_masked(L, self->connection->uri);
  lua_pushfstring(L, "<Host %s>", lua_tostring(L, -1));
  return 1;
}

static const gl_opdef *const methods[] = {&gl_subscribe_host, &gl_host_close, NULL};
static const gl_opdef *const *const ops[] = {
  gl_host_calls, gl_host_guests_ops, gl_host_reconnect_ops, gl_host_node_ops, gl_host_stats_ops, gl_host_file_ops, methods, NULL};
static const gl_opdef *const fields[] = {&gl_host_uri, &gl_host_hostname, &gl_host_libvirt_version, NULL};

const gl_class gl_host_class = {
  .type = &gl_host_type,
  .help = "A connection to libvirt: guestlua.open makes one.",
  .ops = ops,
  .fields = fields,
  .tostring = host_tostring,
};
