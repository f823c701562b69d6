/* Guest: migration to another host. */
#include <lauxlib.h>
#include <libvirt/libvirt-qemu.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/printable.h"
#include "call/kinds.h"
#include "call/libvirt_names.h"
#include "element/kind.h"
#include "virt/guest/object.h"
#include "virt/guest/rows.h"
#include "virt/host/object.h"

typedef struct migrate_op {
  gl_op op;
  const char *destination, *migrate_uri, *destination_xml;
  char **migrate_disks;
  long long flags, bandwidth, parallel;
  virTypedParameterPtr params;
  int count;
  gl_connection *to; /* counted, as its handle is */
  gl_handle *to_handle;
  virDomainPtr moved;
} migrate_op;

static void read_host(lua_State *L, int index, const gl_reader *r)
{
  gl_object *host = gl_object_test(L, index, &gl_host_type);
  if (!host)
    gl_kind_mismatch(L, index, r);
  if (host->closed || !host->connection->handle)
    gl_error_throw(L, "closed", "%s: the host to move to is closed", r->method);
  migrate_op *self = (migrate_op *)r->args;
  self->to = gl_connection_ref(host->connection);
  self->to_handle = gl_handle_ref(host->connection->handle);
}

static void show_host(lua_State *L, const gl_param *p, const gl_args *args)
{
  (void)p;
  gl_printable_push_masked(L, ((const migrate_op *)args)->to->uri);
}
static const gl_kind host_kind = {.name = "Host", .read = read_host, .show = show_host};

/* clang-format off */
#define OPTIONS(peer2peer) \
  GL_OPTION(migrate_op, migrate_uri, &gl_string, "the address for the data, as in \"tcp://192.0.2.1\""), \
  GL_OPTION(migrate_op, migrate_disks, &gl_strings, \
            "the targets of the disks to copy; without any, the flag non_shared_inc is removed, because " \
            "libvirt would copy all disks"), \
  GL_OPTION(migrate_op, destination_xml, &gl_xml, "the guest's configuration on the destination"), \
  GL_OPTION_FLAGS(migrate_op, flags, &gl_migrate_flags, "libvirt's flags, an integer or a list of names; " peer2peer), \
  GL_OPTION(migrate_op, bandwidth, &gl_integer, "MiB/s at most; 0: no limit"), \
  GL_OPTION_UP_TO(migrate_op, parallel, INT_MAX, "the number of connections; more than 1 needs the flag parallel")

/* clang-format on */

static const gl_param migrate_params[] = {
  GL_ARG(migrate_op, destination, &gl_string, "the other host's libvirt, as in \"qemu+tcp://other/system\""),
  OPTIONS("QEMU needs \"peer2peer\""),
  GL_END,
};

static int add_string(migrate_op *self, int *room, const char *name, const char *value)
{
  return value && *value ? virTypedParamsAddString(&self->params, &self->count, room, name, value) : 0;
}

/* libvirt's parameters, from the op's; and its flags. */
static int fill_in(migrate_op *self, unsigned *flags)
{
  int room = 0;
  *flags = (unsigned)self->flags;
  if (virTypedParamsAddULLong(&self->params, &self->count, &room, VIR_MIGRATE_PARAM_BANDWIDTH, (unsigned long long)self->bandwidth) < 0 ||
      add_string(self, &room, VIR_MIGRATE_PARAM_DEST_XML, self->destination_xml) < 0 ||
      add_string(self, &room, VIR_MIGRATE_PARAM_PERSIST_XML, self->destination_xml) < 0 ||
      add_string(self, &room, VIR_MIGRATE_PARAM_URI, self->migrate_uri) < 0)
    return -1;
  for (char **disk = self->migrate_disks; disk && *disk; disk++)
    if (virTypedParamsAddString(&self->params, &self->count, &room, VIR_MIGRATE_PARAM_MIGRATE_DISKS, *disk) < 0)
      return -1;
  if (self->parallel > 1 &&
      virTypedParamsAddInt(&self->params, &self->count, &room, VIR_MIGRATE_PARAM_PARALLEL_CONNECTIONS, (int)self->parallel) < 0)
    return -1;
  if (!self->migrate_disks || !*self->migrate_disks)
    *flags &= ~(unsigned)VIR_MIGRATE_NON_SHARED_INC;
  return 0;
}

static int migrate_run(gl_op *op)
{
  migrate_op *self = (migrate_op *)op;
  unsigned flags;
  return fill_in(self, &flags) < 0
           ? -1
           : virDomainMigrateToURI3(gl_op_domain(op), self->destination, self->params, (unsigned)self->count, flags);
}

static void migrate_release(gl_op *op)
{
  migrate_op *self = (migrate_op *)op;
  virTypedParamsFree(self->params, self->count);
  if (self->moved)
    virDomainFree(self->moved);
  gl_handle_unref(self->to_handle);
  if (self->to)
    gl_connection_unref(self->to);
}
static const gl_opdef migrate_def = {
  .name = "migrate",
  .call = "virDomainMigrateToURI3",
  .help = "Moves the guest to another host, and returns when it is there. get_job_info reports progress, abort_job ends it. If the "
          "wait is interrupted (Ctrl-C) or cancelled, the migration is aborted.",
  .params = migrate_params,
  .size = sizeof(migrate_op),
  .run = migrate_run,
  GL_CHANGE,
  .aborts = "abort_job",
  .release = migrate_release,
};

/* ---- with both hosts open here ---- */

static const gl_param migrate_to_params[] = {
  {.name = "host", .kind = &host_kind, .positional = true, .required = true, .offset = offsetof(migrate_op, to), .help = "the other host"},
  OPTIONS("not \"peer2peer\", as both hosts are asked from here"),
  GL_END,
};

static int migrate_to_run(gl_op *op)
{
  migrate_op *self = (migrate_op *)op;
  unsigned flags;
  if (fill_in(self, &flags) < 0)
    return -1;
  self->moved = virDomainMigrate3(gl_op_domain(op), self->to_handle->ptr, self->params, (unsigned)self->count, flags);
  if (!self->moved)
    op->error = virSaveLastError();
  gl_handle_unref(self->to_handle); /* here, as the last one speaks to the daemon */
  self->to_handle = NULL;
  return self->moved ? 0 : -1;
}

static int migrate_to_push(lua_State *L, gl_op *op)
{
  migrate_op *self = (migrate_op *)op;
  gl_guest_push(L, self->to, 2, &self->moved);
  return 1;
}
static const gl_opdef migrate_to_def = {
  .name = "migrate_to",
  .call = "virDomainMigrate3",
  .help = "Moves the guest to another host that is open here: the hosts need no access to each other's libvirt, only to each other for the "
          "data. As in migrate, the wait can be interrupted, which aborts it.",
  .result = {"Guest"},
  .returns = "the guest on the other host",
  .params = migrate_to_params,
  .size = sizeof(migrate_op),
  .run = migrate_to_run,
  .push = migrate_to_push,
  GL_CHANGE,
  .aborts = "abort_job",
  .release = migrate_release,
};

typedef struct downtime_op {
  gl_op op;
  long long mstime;
} downtime_op;

static const gl_param downtime_params[] = {
  GL_ARG(downtime_op, mstime, &gl_integer, "the longest pause of the guest at the end of a live migration, in ms"),
  GL_END,
};

static int migrate_configure_max_downtime_run(gl_op *op)
{
  return virDomainMigrateSetMaxDowntime(gl_op_domain(op), (unsigned long long)((downtime_op *)op)->mstime, 0);
}
static const gl_opdef migrate_configure_max_downtime_def = {
  .name = "migrate_configure_max_downtime",
  .call = "virDomainMigrateSetMaxDowntime",
  .help = "Sets how long the guest may be paused at the end of its live migration.",
  .params = downtime_params,
  .size = sizeof(downtime_op),
  .run = migrate_configure_max_downtime_run,
  .changes = true,
  .lane = GL_LANE_BESIDE,
};

static int migrate_start_postcopy_run(gl_op *op)
{
  return virDomainMigrateStartPostCopy(gl_op_domain(op), 0);
}
static const gl_opdef migrate_start_postcopy_def = {
  .name = "migrate_start_postcopy",
  .call = "virDomainMigrateStartPostCopy",
  .help = "Switches a migration started with the flag postcopy to the phase in which the guest already runs on the destination: it is sure "
          "to end, and cannot be aborted.",
  .run = migrate_start_postcopy_run,
  .changes = true,
  .lane = GL_LANE_BESIDE,
};

static int announce_self_run(gl_op *op)
{
  char *reply = NULL;
  int rc = virDomainQemuMonitorCommand(gl_op_domain(op), "announce_self", &reply, VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP);
  free(reply);
  return rc;
}
static const gl_opdef announce_self_def = {
  .name = "announce_self",
  .call = "virDomainQemuMonitorCommand",
  .help = "Makes QEMU announce the guest's interfaces to the network again.",
  .run = announce_self_run,
  GL_CHANGE,
};

const gl_opdef *const gl_guest_migrate_ops[] = {
  &migrate_def, &migrate_to_def, &migrate_configure_max_downtime_def, &migrate_start_postcopy_def, &announce_self_def, NULL,
};
