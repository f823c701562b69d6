/* Guest: calls that the guest agent carries out inside the guest. */
#include <lauxlib.h>
#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>
#include <limits.h>
#include <time.h>

#include "base/error.h"
#include "call/args.h"
#include "call/op_error.h"
#include "call/push.h"
#include "virt/guest/rows.h"

typedef struct freeze_op {
  gl_op op;
  char **mountpoints; /* ends with NULL; NULL: all */
} freeze_op;

static const gl_param freeze_params[] = {
  GL_OPTION(freeze_op, mountpoints, &gl_strings, "only these file systems (not in the reference); default: all"),
  GL_END,
};

static unsigned count_mountpoints(const freeze_op *self)
{
  unsigned count = 0;
  while (self->mountpoints && self->mountpoints[count])
    count++;
  return count;
}

static int freeze_filesystems_run(gl_op *op)
{
  freeze_op *self = (freeze_op *)op;
  return virDomainFSFreeze(gl_op_domain(op), (const char **)self->mountpoints, count_mountpoints(self), 0);
}
static const gl_opdef freeze_filesystems_def = {
  .name = "freeze_filesystems",
  .call = "virDomainFSFreeze",
  .help = "Freezes the guest's file systems: its writes wait until thaw_filesystems().",
  .params = freeze_params,
  .size = sizeof(freeze_op),
  .run = freeze_filesystems_run,
  .changes = true,
  .lane = GL_LANE_AGENT,
};

static int thaw_filesystems_run(gl_op *op)
{
  freeze_op *self = (freeze_op *)op;
  return virDomainFSThaw(gl_op_domain(op), (const char **)self->mountpoints, count_mountpoints(self), 0);
}
static const gl_opdef thaw_filesystems_def = {
  .name = "thaw_filesystems",
  .call = "virDomainFSThaw",
  .help = "Thaws the guest's file systems: it can write again. Harmless if nothing is frozen.",
  .params = freeze_params,
  .size = sizeof(freeze_op),
  .run = thaw_filesystems_run,
  .changes = true,
  .lane = GL_LANE_AGENT,
};

typedef struct agent_timeout_op {
  gl_op op;
  long long seconds;
} agent_timeout_op;

static const gl_param agent_timeout_params[] = {
  GL_ARG_OR_NIL(agent_timeout_op, seconds, &gl_integer, "seconds; 0: do not wait; nil: no limit (libvirt's default)"),
  GL_END,
};

static int agent_set_response_timeout_run(gl_op *op)
{
  long long seconds = ((agent_timeout_op *)op)->seconds;
  bool limited = GL_GIVEN(agent_timeout_op, op, seconds) && seconds < INT_MAX;
  return virDomainAgentSetResponseTimeout(gl_op_domain(op), limited ? (int)seconds : VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_BLOCK, 0);
}
static const gl_opdef agent_set_response_timeout_def = {
  .name = "agent_set_response_timeout",
  .call = "virDomainAgentSetResponseTimeout",
  .help =
    "Sets how long libvirt waits for the guest agent's answer to any command except agent_command. The setting is per guest and shared by "
    "all clients: guest:frozen{timeout=…} sets it and restores it.",
  .params = agent_timeout_params,
  .size = sizeof(agent_timeout_op),
  .run = agent_set_response_timeout_run,
  .changes = true,
  .quick = true,
  .lane = GL_LANE_AGENT,
};

typedef struct password_op {
  gl_op op;
  const char *user, *new_pass;
} password_op;

static const gl_param password_params[] = {
  GL_ARG(password_op, user, &gl_string, "the user in the guest"),
  GL_ARG(password_op, new_pass, &gl_secret, "the new password, as plain text; no error shows it"),
  GL_OPTION_FLAG("encrypted", VIR_DOMAIN_PASSWORD_ENCRYPTED,
                 "new_pass is a hash, as in the guest's own password file (not in the reference)"),
  GL_END,
};

static int set_user_password_run(gl_op *op)
{
  password_op *self = (password_op *)op;
  return virDomainSetUserPassword(gl_op_domain(op), self->user, self->new_pass, op->args.flags);
}
static const gl_opdef set_user_password_def = {
  .name = "set_user_password",
  .call = "virDomainSetUserPassword",
  .help = "Sets the password of a user in the guest.",
  .params = password_params,
  .size = sizeof(password_op),
  .run = set_user_password_run,
  .changes = true,
  .lane = GL_LANE_AGENT,
};

static const gl_param sync_guest_time_params[] = {
  GL_OPTION_FLAG("sync", VIR_DOMAIN_TIME_SYNC, "set it to the guest's hardware clock, not to this machine's time (not in the reference)"),
  GL_END,
};

/* rc: 0, or 1 if libvirt refused; that error is not raised. */
static int sync_guest_time_run(gl_op *op)
{
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (virDomainSetTime(gl_op_domain(op), now.tv_sec, (unsigned)now.tv_nsec, op->args.flags) == 0)
    return 0;
  op->error = virSaveLastError();
  return 1;
}

static int sync_guest_time_push(lua_State *L, gl_op *op)
{
  lua_pushboolean(L, op->rc == 0);
  if (op->rc == 0)
    return 1;
  gl_error_push_libvirt(L, op);
  return 2;
}
static const gl_opdef sync_guest_time_def = {
  .name = "sync_guest_time",
  .call = "virDomainSetTime",
  .help = "Sets the guest's clock to this machine's time. If the guest cannot do that, it returns false instead of raising an error.",
  .result = {"boolean done", "Error? error"},
  .returns = "true; or false and the Error",
  .params = sync_guest_time_params,
  .run = sync_guest_time_run,
  .changes = true,
  .push = sync_guest_time_push,
  .lane = GL_LANE_AGENT,
};

typedef struct agent_op {
  gl_text_op text;
  const char *command;
  long long agent_timeout;
} agent_op;

static const gl_param agent_params[] = {
  GL_ARG(agent_op, command, &gl_secret, "the command, JSON: {\"execute\": …}"),
  GL_OPTION_UP_TO(agent_op, agent_timeout, INT_MAX, "seconds that libvirt waits for the answer; 0: do not wait; default: 5"),
  GL_END,
};

static int agent_command_run(gl_op *op)
{
  agent_op *self = (agent_op *)op;
  int timeout = GL_GIVEN(agent_op, op, agent_timeout) ? (int)self->agent_timeout : VIR_DOMAIN_QEMU_AGENT_COMMAND_DEFAULT;
  return (self->text.text = virDomainQemuAgentCommand(gl_op_domain(op), self->command, timeout, 0)) ? 0 : -1;
}
static const gl_opdef agent_command_def = {
  .name = "agent_command",
  .call = "virDomainQemuAgentCommand",
  .help = "Sends a command to the QEMU guest agent. To run programs in the guest, use guest:exec.",
  .result = {"string"},
  .returns = "string: the answer, JSON",
  .params = agent_params,
  .size = sizeof(agent_op),
  .run = agent_command_run,
  .changes = true,
  .push = gl_push_text,
  .release = gl_release_text,
  .lane = GL_LANE_AGENT,
};

const gl_opdef *const gl_guest_agent_ops[] = {
  &freeze_filesystems_def,
  &thaw_filesystems_def,
  &set_user_password_def,
  &sync_guest_time_def,
  &agent_command_def,
  &agent_set_response_timeout_def,
  NULL,
};
