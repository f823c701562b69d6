/* Guest: starting and stopping it. */
#include "call/push.h"
#include "virt/guest/rows.h"

static const gl_param launch_params[] = {
  GL_OPTION_FLAG("pause", VIR_DOMAIN_START_PAUSED, "leave its processors paused: guest:resume() lets it run"),
  GL_END,
};

static int launch_run(gl_op *op)
{
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

static int poweroff_run(gl_op *op)
{
  return virDomainDestroy(gl_op_domain(op));
}
static const gl_opdef poweroff_def = {
  .name = "poweroff",
  .call = "virDomainDestroy",
  .help = "Stops the guest at once, as pulling the plug does.",
  .run = poweroff_run,
  .changes = true,
  .lane = GL_LANE_END,
};

static int shutdown_run(gl_op *op)
{
  return virDomainShutdown(gl_op_domain(op));
}
static const gl_opdef shutdown_def = {
  .name = "shutdown",
  .call = "virDomainShutdown",
  .help = "Asks the guest to shut down, and does not wait until it did. A guest may ignore it.",
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
  .help = "Stops the guest's processors; its memory stays.",
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
  .help = "Lets the processors of a paused guest run again.",
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

static int save_memory_state_run(gl_op *op)
{
  return virDomainManagedSave(gl_op_domain(op), 0);
}
static const gl_opdef save_memory_state_def = {
  .name = "save_memory_state",
  .call = "virDomainManagedSave",
  .help =
    "Saves the guest's memory on the host and stops the guest; launch() goes on from there. Where the wait is interrupted (Ctrl-C) or "
    "cancelled it is aborted, and the guest goes on.",
  .run = save_memory_state_run,
  GL_CHANGE,
  .aborts = "abort_job",
};

const gl_opdef *const gl_guest_power_ops[] = {
  &launch_def, &poweroff_def, &shutdown_def, &pause_def, &resume_def, &inject_nmi_def, &save_memory_state_def, NULL,
};
