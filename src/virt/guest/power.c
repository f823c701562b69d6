/* Guest: starting and stopping it. */
#include "call/push.h"
#include "virt/guest/rows.h"
#include "virt/host/open.h"

static const gl_param launch_params[] = {
  GL_OPTION_FLAG("pause", VIR_DOMAIN_START_PAUSED, "leave its CPUs paused: guest:resume() lets it run"),
  GL_OPTION_FLAG("autodestroy", VIR_DOMAIN_START_AUTODESTROY, "destroy it when this connection closes (not in the reference)"),
  GL_OPTION_FLAG("bypass_cache", VIR_DOMAIN_START_BYPASS_CACHE,
                 "read a managed save image past the host's file cache (not in the reference)"),
  GL_OPTION_FLAG("force_boot", VIR_DOMAIN_START_FORCE_BOOT, "discard a managed save image, and boot (not in the reference)"),
  GL_OPTION_FLAG("validate", VIR_DOMAIN_START_VALIDATE,
                 "check the configuration against libvirt's schema, for drivers that generate a new one (not in the reference)"),
  GL_OPTION_FLAG("reset_nvram", VIR_DOMAIN_START_RESET_NVRAM, "reset the UEFI variables (libvirt 8.1; not in the reference)"),
  GL_END,
};

static int launch_run(gl_op *op)
{
  if (op->args.flags & VIR_DOMAIN_START_AUTODESTROY && gl_host_is_kept(gl_op_connect(op)))
    return gl_op_fail(op, "no_support",
                      "autodestroy: this connection is shared, and never closes: the process has opened the embedded driver too often");
  return virDomainCreateWithFlags(gl_op_domain(op), op->args.flags);
}
static const gl_opdef launch_def = {
  .name = "launch",
  .call = "virDomainCreateWithFlags",
  .help = "Starts the guest.",
  .result = {"integer"},
  .params = launch_params,
  .run = launch_run,
  GL_CHANGE,
  .push = gl_push_integer,
};

static const gl_param poweroff_params[] = {
  GL_OPTION_FLAG("graceful", VIR_DOMAIN_DESTROY_GRACEFUL,
                 "fail if the emulator does not end by itself; if it does, all writes are done (not in the reference)"),
  GL_OPTION_FLAG("remove_logs", VIR_DOMAIN_DESTROY_REMOVE_LOGS, "remove the guest's logs on its host (not in the reference)"),
  GL_END,
};

static int poweroff_run(gl_op *op)
{
  return op->args.flags ? virDomainDestroyFlags(gl_op_domain(op), op->args.flags) : virDomainDestroy(gl_op_domain(op));
}
static const gl_opdef poweroff_def = {
  .name = "poweroff",
  .call = "virDomainDestroy",
  .help = "Stops the guest at once, like pulling the plug. With an option it calls virDomainDestroyFlags.",
  .params = poweroff_params,
  .run = poweroff_run,
  .changes = true,
  .lane = GL_LANE_END,
};

static const gl_param shutdown_params[] = {
  GL_OPTION_FLAG("acpi_power_btn", VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN, "press its ACPI power button (not in the reference)"),
  GL_OPTION_FLAG("guest_agent", VIR_DOMAIN_SHUTDOWN_GUEST_AGENT, "ask its agent (not in the reference)"),
  GL_OPTION_FLAG("initctl", VIR_DOMAIN_SHUTDOWN_INITCTL, "through the container's /dev/initctl (not in the reference)"),
  GL_OPTION_FLAG("signal", VIR_DOMAIN_SHUTDOWN_SIGNAL, "by a signal to the container's init (not in the reference)"),
  GL_OPTION_FLAG("paravirt", VIR_DOMAIN_SHUTDOWN_PARAVIRT, "by Xen's paravirtual request (not in the reference)"),
  GL_END,
};

static int shutdown_run(gl_op *op)
{
  return op->args.flags ? virDomainShutdownFlags(gl_op_domain(op), op->args.flags) : virDomainShutdown(gl_op_domain(op));
}
static const gl_opdef shutdown_def = {
  .name = "shutdown",
  .call = "virDomainShutdown",
  .help =
    "Asks the guest to shut down, and does not wait until it has. A guest may ignore the request. The options choose the way; if there are "
    "several, libvirt picks one. With an option it calls virDomainShutdownFlags.",
  .params = shutdown_params,
  .run = shutdown_run,
  GL_CHANGE,
};

static int pause_run(gl_op *op)
{
  return virDomainSuspend(gl_op_domain(op));
}
static const gl_opdef pause_def = {
  .name = "pause",
  .call = "virDomainSuspend",
  .help = "Pauses the guest's CPUs; its memory stays.",
  .run = pause_run,
  .changes = true,
  .lane = GL_LANE_BESIDE,
};

static int resume_run(gl_op *op)
{
  return virDomainResume(gl_op_domain(op));
}
static const gl_opdef resume_def = {
  .name = "resume",
  .call = "virDomainResume",
  .help = "Lets the CPUs of a paused guest run again.",
  .run = resume_run,
  .changes = true,
  .lane = GL_LANE_BESIDE,
};

static int inject_nmi_run(gl_op *op)
{
  return virDomainInjectNMI(gl_op_domain(op), 0);
}
static const gl_opdef inject_nmi_def = {
  .name = "inject_nmi",
  .call = "virDomainInjectNMI",
  .help = "Sends the guest a non-maskable interrupt, which makes many systems write a crash dump.",
  .run = inject_nmi_run,
  GL_CHANGE,
};

static const gl_param save_memory_state_params[] = {
  GL_OPTION_FLAG("bypass_cache", VIR_DOMAIN_SAVE_BYPASS_CACHE, "write past the host's file cache (not in the reference)"),
  GL_OPTION_FLAG("running", VIR_DOMAIN_SAVE_RUNNING, "let it run at the next launch, even if it is paused now (not in the reference)"),
  GL_OPTION_FLAG("paused", VIR_DOMAIN_SAVE_PAUSED, "leave it paused at the next launch (not in the reference)"),
  GL_OPTION_FLAG("reset_nvram", VIR_DOMAIN_SAVE_RESET_NVRAM,
                 "reset the UEFI variables at the next launch (libvirt 8.1; not in the reference)"),
  GL_END,
};

static int save_memory_state_run(gl_op *op)
{
  return virDomainManagedSave(gl_op_domain(op), op->args.flags);
}
static const gl_opdef save_memory_state_def = {
  .name = "save_memory_state",
  .call = "virDomainManagedSave",
  .help = "Saves the guest's memory on the host and stops the guest; launch() resumes it from there. If the wait is interrupted (Ctrl-C) "
          "or cancelled, the save is aborted and the guest keeps running.",
  .params = save_memory_state_params,
  .run = save_memory_state_run,
  .aborts = "abort_job",
  GL_CHANGE,
};

const gl_opdef *const gl_guest_power_ops[] = {
  &launch_def, &poweroff_def, &shutdown_def, &pause_def, &resume_def, &inject_nmi_def, &save_memory_state_def, NULL,
};
