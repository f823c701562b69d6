/* Guest: what Lua can call on it. */
#include "virt/guest/class.h"

#include <lauxlib.h>

#include "base/printable.h"
#include "call/push.h"
#include "event/subscription.h"
#include "virt/disk/object.h"
#include "virt/guest/domain.h"
#include "virt/guest/object.h"
#include "virt/guest/rows.h"
#include "virt/stream/class.h"

/* ---- fields: read from this process's memory ---- */

static int id_push(lua_State *L, gl_op *op)
{
  unsigned id = virDomainGetID(gl_op_domain(op));
  lua_pushinteger(L, (int)id); /* (unsigned)-1: it is not running */
  return 1;
}
static const gl_opdef id_def = {
  .name = "id",
  .call = "virDomainGetID",
  .help = "The ID of the running guest, -1 if it was not running when it was looked up.",
  .result = {"integer"},
  .run = gl_run_nothing,
  .push = id_push,
  .memory = true,
};

typedef struct uuid_op {
  gl_op op;
  char text[VIR_UUID_STRING_BUFLEN];
} uuid_op;

static int uuid_run(gl_op *op)
{
  return virDomainGetUUIDString(gl_op_domain(op), ((uuid_op *)op)->text);
}

static int uuid_push(lua_State *L, gl_op *op)
{
  lua_pushstring(L, ((uuid_op *)op)->text);
  return 1;
}
static const gl_opdef uuid_def = {
  .name = "uuid",
  .call = "virDomainGetUUIDString",
  .help = "The guest's UUID, 36 characters. Still readable when the guest itself is gone.",
  .result = {"string"},
  .size = sizeof(uuid_op),
  .run = uuid_run,
  .push = uuid_push,
  .memory = true,
};

static int name_push(lua_State *L, gl_op *op)
{
  lua_pushstring(L, virDomainGetName(gl_op_domain(op)));
  return 1;
}
static const gl_opdef name_def = {
  .name = "name",
  .call = "virDomainGetName",
  .help = "The guest's name.",
  .result = {"string"},
  .run = gl_run_nothing,
  .push = name_push,
  .memory = true,
};

static int host_push(lua_State *L, gl_op *op)
{
  (void)op;
  lua_getiuservalue(L, 1, 1);
  return 1;
}
static const gl_opdef host_def = {
  .name = "host",
  .help = "The connection that the guest was found on.",
  .result = {"Host"},
  .run = gl_run_nothing,
  .push = host_push,
  .memory = true,
};

static int guest_tostring(lua_State *L)
{
  gl_object *self = gl_object_test(L, 1, &gl_guest_type);
  if (!self || self->closed) {
    lua_pushliteral(L, "<Guest (closed)>");
    return 1;
  }
  virDomainPtr dom = gl_guest_domain(self);
  char text[VIR_UUID_STRING_BUFLEN] = "?";
  virDomainGetUUIDString(dom, text);
  lua_pushfstring(L, "<Guest %d %s %s>", (int)virDomainGetID(dom), virDomainGetName(dom), text);
  gl_printable_push(L, -1, GL_ESCAPE_LINES); /* whoever defined it chose the name */
  return 1;
}

static const gl_opdef close_def = {
  .name = "close",
  .help = "Releases this object before the garbage collector does; the guest itself is not touched. Closing twice is harmless.",
  .invoke = gl_object_close_method,
};

static const gl_opdef *const methods[] = {&gl_get_block_device, &gl_subscribe_guest, &close_def, NULL};
static const gl_opdef *const *const ops[] = {gl_guest_power_ops,
                                             gl_guest_config_ops,
                                             gl_guest_info_ops,
                                             gl_guest_state_ops,
                                             gl_guest_lookup_ops,
                                             gl_guest_device_ops,
                                             gl_guest_metadata_ops,
                                             gl_guest_snapshot_ops,
                                             gl_guest_checkpoint_ops,
                                             gl_guest_agent_ops,
                                             gl_guest_inside_ops,
                                             gl_guest_job_ops,
                                             gl_guest_migrate_ops,
                                             gl_guest_stream_ops,
                                             methods,
                                             NULL};
static const gl_opdef *const fields[] = {&id_def, &uuid_def, &name_def, &host_def, &gl_guest_domain_def, NULL};

const gl_class gl_guest_class = {
  .type = &gl_guest_type,
  .help = "A virtual machine: libvirt's domain. host:guest, host:guests and Guest.create make one.",
  .ops = ops,
  .fields = fields,
  .tostring = guest_tostring,
  .inherits = &gl_domain_type,
};
