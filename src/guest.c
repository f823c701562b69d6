/* Guest: a domain. The names and the options are the reference's, nova.virt.libvirt.guest.Guest. */
#include "guest.h"

#include <lauxlib.h>
#include <libvirt/virterror.h>
#include <stdlib.h>

#include "block_device.h"
#include "enum.h"
#include "error.h"
#include "event.h"

typedef struct guest_object {
  gl_object object;
  virDomainPtr dom;
  bool gone; /* when the connection was opened again it was not there: dom is of the one before */
} guest_object;

virDomainPtr gl_guest_domain(gl_object *guest)
{
  return ((guest_object *)guest)->dom;
}

void gl_guest_reconnect(gl_object *guest, virDomainPtr dom)
{
  guest_object *g = (guest_object *)guest;
  g->gone = !dom;
  if (!dom)
    return;
  virDomainFree(g->dom); /* the caller holds the connection still: this only drops a count */
  g->dom = dom;
}

void gl_guest_push(lua_State *L, gl_host *host, int host_index, virDomainPtr *dom)
{
  guest_object *g = gl_object_new(L, &gl_guest_class, sizeof *g, 1);
  gl_object_adopt(L, &g->object, host);
  g->dom = *dom;
  *dom = NULL;
  host->state->alive.guests++;
  lua_pushvalue(L, host_index);
  lua_setiuservalue(L, -2, 1);
}

void gl_guest_bind(lua_State *L, gl_object *guest, gl_op *op)
{
  op->dom = gl_guest_domain(guest);
  if (((guest_object *)guest)->gone && !op->def->memory)
    gl_error_throw(L, "no_domain", "%s: guest '%s' was gone when the connection was opened again", op->def->name,
                   virDomainGetName(op->dom));
  op->conn = guest->host->conn;
  op->uri = guest->host->uri;
}

static void guest_close(gl_object *self)
{
  guest_object *g = (guest_object *)self;
  self->host->state->alive.guests--;
  virDomainFree(g->dom); /* the host holds the connection still: this only drops a count */
  g->dom = NULL;
}

/* ---- fields: read from this process's memory ---- */

static int id_push(lua_State *L, gl_op *op)
{
  unsigned id = virDomainGetID(op->dom);
  lua_pushinteger(L, (int)id); /* (unsigned)-1: it does not run */
  return 1;
}
static const gl_opdef id_def = {
  .name = "id",
  .call = "virDomainGetID",
  .help = "The number of the running guest, -1 where it did not run when it was looked up.",
  .returns = "integer",
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
  return virDomainGetUUIDString(op->dom, ((uuid_op *)op)->text);
}

static int uuid_push(lua_State *L, gl_op *op)
{
  lua_pushstring(L, ((uuid_op *)op)->text);
  return 1;
}
static const gl_opdef uuid_def = {
  .name = "uuid",
  .call = "virDomainGetUUIDString",
  .help = "The guest's UUID, 36 characters. Still there when the guest itself is gone.",
  .returns = "string",
  .size = sizeof(uuid_op),
  .run = uuid_run,
  .push = uuid_push,
  .memory = true,
};

static int name_push(lua_State *L, gl_op *op)
{
  lua_pushstring(L, virDomainGetName(op->dom));
  return 1;
}
static const gl_opdef name_def = {
  .name = "name",
  .call = "virDomainGetName",
  .help = "The guest's name.",
  .returns = "string",
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
  .returns = "Host",
  .run = gl_run_nothing,
  .push = host_push,
  .memory = true,
};

static int guest_tostring(lua_State *L)
{
  gl_object *self = gl_object_test(L, 1, &gl_guest_class);
  if (!self || self->closed) {
    lua_pushliteral(L, "<Guest (closed)>");
    return 1;
  }
  virDomainPtr dom = gl_guest_domain(self);
  char text[VIR_UUID_STRING_BUFLEN] = "?";
  virDomainGetUUIDString(dom, text);
  lua_pushfstring(L, "<Guest %d %s %s>", (int)virDomainGetID(dom), virDomainGetName(dom), text);
  return 1;
}

/* ---- power ---- */

static const gl_param launch_params[] = {
  GL_OPTION_FLAG("pause", VIR_DOMAIN_START_PAUSED, "leave its processors paused: guest:resume() lets it run"),
  GL_OPTION_FLAG("autodestroy", VIR_DOMAIN_START_AUTODESTROY, "it ends with this connection (not in the reference)"),
  GL_OPTION_FLAG("bypass_cache", VIR_DOMAIN_START_BYPASS_CACHE,
                 "read a managed save image past the host's file cache (not in the reference)"),
  GL_OPTION_FLAG("force_boot", VIR_DOMAIN_START_FORCE_BOOT, "drop a managed save image, and boot (not in the reference)"),
  GL_OPTION_FLAG("validate", VIR_DOMAIN_START_VALIDATE,
                 "check the configuration against libvirt's schema, for drivers that make one anew (not in the reference)"),
  GL_OPTION_FLAG("reset_nvram", VIR_DOMAIN_START_RESET_NVRAM, "make the UEFI variables anew (libvirt 8.1; not in the reference)"),
  GL_END,
};

static int launch_run(gl_op *op)
{
  return virDomainCreateWithFlags(op->dom, op->flags);
}
static const gl_opdef launch_def = {
  .name = "launch",
  .call = "virDomainCreateWithFlags",
  .help = "Starts the guest.",
  .returns = "0",
  .params = launch_params,
  .run = launch_run,
  .changes = true,
  .push = gl_push_integer,
};

static const gl_param poweroff_params[] = {
  GL_OPTION_FLAG("graceful", VIR_DOMAIN_DESTROY_GRACEFUL,
                 "fail where the emulator does not end by itself, so that it has written all that it was told to (not in the reference)"),
  GL_OPTION_FLAG("remove_logs", VIR_DOMAIN_DESTROY_REMOVE_LOGS, "remove the logs of the guest on its host (not in the reference)"),
  GL_END,
};

static int poweroff_run(gl_op *op)
{
  return op->flags ? virDomainDestroyFlags(op->dom, op->flags) : virDomainDestroy(op->dom);
}
static const gl_opdef poweroff_def = {
  .name = "poweroff",
  .call = "virDomainDestroy",
  .help = "Stops the guest at once, as pulling the plug does. With an option it is virDomainDestroyFlags.",
  .params = poweroff_params,
  .run = poweroff_run,
  .changes = true,
  .lane = GL_LANE_END,
};

static const gl_param shutdown_params[] = {
  GL_OPTION_FLAG("acpi_power_btn", VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN, "press its power button (not in the reference)"),
  GL_OPTION_FLAG("guest_agent", VIR_DOMAIN_SHUTDOWN_GUEST_AGENT, "ask its agent (not in the reference)"),
  GL_OPTION_FLAG("initctl", VIR_DOMAIN_SHUTDOWN_INITCTL, "by the container's /dev/initctl (not in the reference)"),
  GL_OPTION_FLAG("signal", VIR_DOMAIN_SHUTDOWN_SIGNAL, "by a signal to the container's init (not in the reference)"),
  GL_OPTION_FLAG("paravirt", VIR_DOMAIN_SHUTDOWN_PARAVIRT, "by Xen's own way (not in the reference)"),
  GL_END,
};

static int shutdown_run(gl_op *op)
{
  return op->flags ? virDomainShutdownFlags(op->dom, op->flags) : virDomainShutdown(op->dom);
}
static const gl_opdef shutdown_def = {
  .name = "shutdown",
  .call = "virDomainShutdown",
  .help = "Asks the guest to shut down, and does not wait until it did. A guest may ignore it. The options say how it is asked; "
          "with several libvirt chooses one, and with any it is virDomainShutdownFlags.",
  .params = shutdown_params,
  .run = shutdown_run,
  .changes = true,
};

static int pause_run(gl_op *op)
{
  return virDomainSuspend(op->dom);
}
static const gl_opdef pause_def = {
  .name = "pause",
  .call = "virDomainSuspend",
  .help = "Stops the guest's processors; its memory stays.",
  .run = pause_run,
  .changes = true,
  .lane = GL_LANE_BESIDE,
};

static int resume_run(gl_op *op)
{
  return virDomainResume(op->dom);
}
static const gl_opdef resume_def = {
  .name = "resume",
  .call = "virDomainResume",
  .help = "Lets the processors of a paused guest run again.",
  .run = resume_run,
  .changes = true,
  .lane = GL_LANE_BESIDE,
};

static int inject_nmi_run(gl_op *op)
{
  return virDomainInjectNMI(op->dom, 0);
}
static const gl_opdef inject_nmi_def = {
  .name = "inject_nmi",
  .call = "virDomainInjectNMI",
  .help = "Sends the guest a non-maskable interrupt, which makes many systems write a crash dump.",
  .run = inject_nmi_run,
  .changes = true,
};

static const gl_param save_memory_state_params[] = {
  GL_OPTION_FLAG("bypass_cache", VIR_DOMAIN_SAVE_BYPASS_CACHE, "write past the host's file cache (not in the reference)"),
  GL_OPTION_FLAG("running", VIR_DOMAIN_SAVE_RUNNING,
                 "it runs when it is launched again, also where it is paused now (not in the reference)"),
  GL_OPTION_FLAG("paused", VIR_DOMAIN_SAVE_PAUSED, "it is paused when it is launched again (not in the reference)"),
  GL_OPTION_FLAG("reset_nvram", VIR_DOMAIN_SAVE_RESET_NVRAM,
                 "make the UEFI variables anew when it is launched again (libvirt 8.1; not in the reference)"),
  GL_END,
};

static int save_memory_state_run(gl_op *op)
{
  return virDomainManagedSave(op->dom, op->flags);
}
static const gl_opdef save_memory_state_def = {
  .name = "save_memory_state",
  .call = "virDomainManagedSave",
  .help =
    "Saves the guest's memory on the host and stops the guest; launch() goes on from there. Where the wait is interrupted (Ctrl-C) or "
    "cancelled it is aborted, and the guest goes on.",
  .params = save_memory_state_params,
  .run = save_memory_state_run,
  .changes = true,
};

/* ---- configuration ---- */

static const gl_param get_xml_desc_params[] = {
  GL_OPTION_FLAG("dump_inactive", VIR_DOMAIN_XML_INACTIVE, "what the guest will be at its next start, not what it is now"),
  GL_OPTION_FLAG("dump_sensitive", VIR_DOMAIN_XML_SECURE, "with passwords in it"),
  GL_OPTION_FLAG("dump_migratable", VIR_DOMAIN_XML_MIGRATABLE, "fit for the destination of a migration"),
  GL_OPTION_FLAG("update_cpu", VIR_DOMAIN_XML_UPDATE_CPU, "with the host's processor as the guest would get it (not in the reference)"),
  GL_END,
};

static int get_xml_desc_run(gl_op *op)
{
  return (((gl_text_op *)op)->text = virDomainGetXMLDesc(op->dom, op->flags)) ? 0 : -1;
}
static const gl_opdef get_xml_desc_def = {
  .name = "get_xml_desc",
  .call = "virDomainGetXMLDesc",
  .help = "The guest's configuration.",
  .returns = "string: XML",
  .params = get_xml_desc_params,
  .size = sizeof(gl_text_op),
  .run = get_xml_desc_run,
  .push = gl_push_text,
  .release = gl_release_text,
  .quick = true,
  .lane = GL_LANE_BESIDE,
};

/* Bits of ours, for delete_configuration alone: what they come to depends on each other. */
#define SUPPORT_UEFI (1u << 29)
#define KEEP_VTPM (1u << 30)
#define KEEP_NVRAM (1u << 31)

static const gl_param delete_configuration_params[] = {
  GL_OPTION_FLAG("support_uefi", SUPPORT_UEFI, "delete the UEFI variables (NVRAM) too; libvirt refuses to undefine a UEFI guest without"),
  GL_OPTION_FLAG("keep_vtpm", KEEP_VTPM, "keep the state of the virtual TPM (libvirt 8.9); implies support_uefi"),
  GL_OPTION_FLAG("keep_nvram", KEEP_NVRAM, "keep the UEFI variables"),
  GL_OPTION_FLAG("nvram", VIR_DOMAIN_UNDEFINE_NVRAM, "delete the UEFI variables (NVRAM), as support_uefi does (not in the reference)"),
  GL_OPTION_FLAG("tpm", VIR_DOMAIN_UNDEFINE_TPM, "delete the state of the virtual TPM (libvirt 8.9; not in the reference)"),
  GL_OPTION_FLAG(
    "snapshots_metadata", VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA,
    "forget its snapshots too; libvirt refuses to undefine a guest that does not run and has some without (not in the reference)"),
  GL_OPTION_FLAG("checkpoints_metadata", VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA,
                 "forget its checkpoints, which backups leave, too; libvirt refuses as for snapshots (not in the reference)"),
  GL_END,
};

static int delete_configuration_run(gl_op *op)
{
  unsigned flags = VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | (op->flags & ~(SUPPORT_UEFI | KEEP_VTPM | KEEP_NVRAM));
  if (op->flags & KEEP_NVRAM)
    flags |= VIR_DOMAIN_UNDEFINE_KEEP_NVRAM;
  else if (op->flags & (SUPPORT_UEFI | KEEP_VTPM))
    flags |= VIR_DOMAIN_UNDEFINE_NVRAM;
  if (op->flags & KEEP_VTPM)
    flags |= VIR_DOMAIN_UNDEFINE_KEEP_TPM;
  if (virDomainUndefineFlags(op->dom, flags) == 0)
    return 0;
  /* As the reference does: drivers that do not know the flags. */
  return virDomainUndefine(op->dom);
}
static const gl_opdef delete_configuration_def = {
  .name = "delete_configuration",
  .call = "virDomainUndefineFlags",
  .help = "Makes the host forget the guest's configuration, a managed save image included. A running guest goes on, and is gone when it "
          "stops. "
          "Where libvirt refuses the flags the plain virDomainUndefine is tried.",
  .params = delete_configuration_params,
  .run = delete_configuration_run,
  .changes = true,
};

static const gl_opdef close_def = {
  .name = "close",
  .help = "Lets go of the guest before the garbage collector does; the guest itself is not touched. Closing twice is harmless.",
  .invoke = gl_object_close_method,
};

static const gl_opdef *const methods[] = {
  &launch_def,
  &poweroff_def,
  &shutdown_def,
  &pause_def,
  &resume_def,
  &inject_nmi_def,
  &save_memory_state_def,
  &get_xml_desc_def,
  &delete_configuration_def,
  &gl_get_block_device,
  &gl_subscribe,
  &close_def,
  NULL,
};
static const gl_opdef *const *const ops[] = {methods,
                                             gl_guest_info_ops,
                                             gl_guest_state_ops,
                                             gl_guest_lookup_ops,
                                             gl_guest_device_ops,
                                             gl_guest_snapshot_ops,
                                             gl_guest_agent_ops,
                                             gl_guest_inside_ops,
                                             gl_guest_job_ops,
                                             NULL};
static const gl_opdef *const fields[] = {&id_def, &uuid_def, &name_def, &host_def, NULL};

const gl_class gl_guest_class = {
  .name = "Guest",
  .help = "A virtual machine: libvirt's domain. host:guest, host:guests and Guest.create make one.",
  .ops = ops,
  .fields = fields,
  .bind = gl_guest_bind,
  .close = guest_close,
  .tostring = guest_tostring,
};
