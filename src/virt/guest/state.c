/* Guest: libvirt's own words for its state and for the reason. */
#include <lauxlib.h>

#include "call/libvirt_names.h"
#include "virt/guest/rows.h"

#define REASONS(id) static const gl_enum id##_reasons = GL_ENUM("reason", id##_names)

static const char *const running_names[] = {
  [VIR_DOMAIN_RUNNING_UNKNOWN] = "unknown",
  [VIR_DOMAIN_RUNNING_BOOTED] = "booted",
  [VIR_DOMAIN_RUNNING_MIGRATED] = "migrated",
  [VIR_DOMAIN_RUNNING_RESTORED] = "restored",
  [VIR_DOMAIN_RUNNING_FROM_SNAPSHOT] = "from_snapshot",
  [VIR_DOMAIN_RUNNING_UNPAUSED] = "unpaused",
  [VIR_DOMAIN_RUNNING_MIGRATION_CANCELED] = "migration_canceled",
  [VIR_DOMAIN_RUNNING_SAVE_CANCELED] = "save_canceled",
  [VIR_DOMAIN_RUNNING_WAKEUP] = "wakeup",
  [VIR_DOMAIN_RUNNING_CRASHED] = "crashed",
  [VIR_DOMAIN_RUNNING_POSTCOPY] = "postcopy",
#if LIBVIR_VERSION_NUMBER >= 8005000
  [VIR_DOMAIN_RUNNING_POSTCOPY_FAILED] = "postcopy_failed",
#endif
};
REASONS(running);

static const char *const paused_names[] = {
  [VIR_DOMAIN_PAUSED_UNKNOWN] = "unknown",
  [VIR_DOMAIN_PAUSED_USER] = "user",
  [VIR_DOMAIN_PAUSED_MIGRATION] = "migration",
  [VIR_DOMAIN_PAUSED_SAVE] = "save",
  [VIR_DOMAIN_PAUSED_DUMP] = "dump",
  [VIR_DOMAIN_PAUSED_IOERROR] = "ioerror",
  [VIR_DOMAIN_PAUSED_WATCHDOG] = "watchdog",
  [VIR_DOMAIN_PAUSED_FROM_SNAPSHOT] = "from_snapshot",
  [VIR_DOMAIN_PAUSED_SHUTTING_DOWN] = "shutting_down",
  [VIR_DOMAIN_PAUSED_SNAPSHOT] = "snapshot",
  [VIR_DOMAIN_PAUSED_CRASHED] = "crashed",
  [VIR_DOMAIN_PAUSED_STARTING_UP] = "starting_up",
  [VIR_DOMAIN_PAUSED_POSTCOPY] = "postcopy",
  [VIR_DOMAIN_PAUSED_POSTCOPY_FAILED] = "postcopy_failed",
#if LIBVIR_VERSION_NUMBER >= 10000000
  [VIR_DOMAIN_PAUSED_API_ERROR] = "api_error",
#endif
};
REASONS(paused);

static const char *const shutdown_names[] = {[VIR_DOMAIN_SHUTDOWN_UNKNOWN] = "unknown", [VIR_DOMAIN_SHUTDOWN_USER] = "user"};
REASONS(shutdown);

static const char *const shutoff_names[] = {
  [VIR_DOMAIN_SHUTOFF_UNKNOWN] = "unknown",     [VIR_DOMAIN_SHUTOFF_SHUTDOWN] = "shutdown",
  [VIR_DOMAIN_SHUTOFF_DESTROYED] = "destroyed", [VIR_DOMAIN_SHUTOFF_CRASHED] = "crashed",
  [VIR_DOMAIN_SHUTOFF_MIGRATED] = "migrated",   [VIR_DOMAIN_SHUTOFF_SAVED] = "saved",
  [VIR_DOMAIN_SHUTOFF_FAILED] = "failed",       [VIR_DOMAIN_SHUTOFF_FROM_SNAPSHOT] = "from_snapshot",
  [VIR_DOMAIN_SHUTOFF_DAEMON] = "daemon",
};
REASONS(shutoff);

static const char *const crashed_names[] = {[VIR_DOMAIN_CRASHED_UNKNOWN] = "unknown", [VIR_DOMAIN_CRASHED_PANICKED] = "panicked"};
REASONS(crashed);

static const char *const only_unknown_names[] = {"unknown"};
REASONS(only_unknown);

static const gl_enum *const reasons[] = {
  [VIR_DOMAIN_NOSTATE] = &only_unknown_reasons, [VIR_DOMAIN_RUNNING] = &running_reasons,
  [VIR_DOMAIN_BLOCKED] = &only_unknown_reasons, [VIR_DOMAIN_PAUSED] = &paused_reasons,
  [VIR_DOMAIN_SHUTDOWN] = &shutdown_reasons,    [VIR_DOMAIN_SHUTOFF] = &shutoff_reasons,
  [VIR_DOMAIN_CRASHED] = &crashed_reasons,      [VIR_DOMAIN_PMSUSPENDED] = &only_unknown_reasons,
};

typedef struct state_op {
  gl_op op;
  int state, reason;
} state_op;

static int get_state_run(gl_op *op)
{
  state_op *self = (state_op *)op;
  return virDomainGetState(gl_op_domain(op), &self->state, &self->reason, 0);
}

static int get_state_push(lua_State *L, gl_op *op)
{
  const state_op *self = (state_op *)op;
  bool known = self->state >= 0 && self->state < (int)(sizeof reasons / sizeof *reasons);
  gl_enum_push(L, &gl_domain_states, self->state);
  gl_enum_push(L, known ? reasons[self->state] : &only_unknown_reasons, self->reason);
  return 2;
}
static const gl_opdef get_state_def = {
  .name = "get_state",
  .call = "virDomainGetState",
  .help = "libvirt's own words for the guest's state and for the reason: \"paused\" and \"ioerror\", \"shutoff\" and \"crashed\". A "
          "value newer than guestlua is a number.",
  .result = {"string state", "string reason"},
  .returns = "string: the state, and then the reason, a string too",
  .size = sizeof(state_op),
  .run = get_state_run,
  .push = get_state_push,
  GL_LOOK,
};

static int pm_wakeup_run(gl_op *op)
{
  return virDomainPMWakeup(gl_op_domain(op), 0);
}
static const gl_opdef pm_wakeup_def = {
  .name = "pm_wakeup",
  .call = "virDomainPMWakeup",
  .help =
    "Wakes a sleeping guest: its state is \"pmsuspended\", and resume() does not help. Returns when the request is sent, not when the guest "
    "is awake.",
  .run = pm_wakeup_run,
  GL_CHANGE,
};

const gl_opdef *const gl_guest_state_ops[] = {&get_state_def, &pm_wakeup_def, NULL};
