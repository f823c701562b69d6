/* Guest: its agent's information about the system inside, by libvirt's own calls. */
#include <lauxlib.h>

#include "call/args.h"
#include "call/push.h"
#include "virt/guest/rows.h"

typedef struct inside_op {
  gl_op op;
  virTypedParameterPtr params;
  int count;
} inside_op;

static const gl_param inside_params[] = {
  GL_OPTION_FLAG("users", VIR_DOMAIN_GUEST_INFO_USERS, "the users logged in"),
  GL_OPTION_FLAG("os", VIR_DOMAIN_GUEST_INFO_OS, "its operating system"),
  GL_OPTION_FLAG("timezone", VIR_DOMAIN_GUEST_INFO_TIMEZONE, "its time zone"),
  GL_OPTION_FLAG("hostname", VIR_DOMAIN_GUEST_INFO_HOSTNAME, "its host name"),
  GL_OPTION_FLAG("filesystems", VIR_DOMAIN_GUEST_INFO_FILESYSTEM, "its mounted file systems"),
  GL_OPTION_FLAG("disks", VIR_DOMAIN_GUEST_INFO_DISKS, "its disks, as it sees them"),
  GL_OPTION_FLAG("interfaces", VIR_DOMAIN_GUEST_INFO_INTERFACES, "its network interfaces and their addresses"),
#if LIBVIR_VERSION_NUMBER >= 11002000
  GL_OPTION_FLAG("load", VIR_DOMAIN_GUEST_INFO_LOAD, "its load averages"),
#endif
  GL_END,
};

static int get_guest_info_run(gl_op *op)
{
  inside_op *self = (inside_op *)op;
  return virDomainGetGuestInfo(gl_op_domain(op), op->args.flags, &self->params, &self->count, 0);
}

static int get_guest_info_push(lua_State *L, gl_op *op)
{
  const inside_op *self = (inside_op *)op;
  gl_push_params(L, self->params, self->count);
  return 1;
}

static void get_guest_info_release(gl_op *op)
{
  inside_op *self = (inside_op *)op;
  virTypedParamsFree(self->params, self->count);
}
static const gl_opdef get_guest_info_def = {
  .name = "get_guest_info",
  .call = "virDomainGetGuestInfo",
  .help =
    "The guest agent's information about the system inside, under libvirt's own names, as in [\"os.name\"] and [\"fs.0.mountpoint\"]; without an "
    "option, all of it. guest:os_info(), users(), filesystems(), disks() and interfaces() give it as tables. A guest can make up anything "
    "it reports about itself.",
  .result = {"table<string,any>"},
  .returns = "values by name",
  .params = inside_params,
  .size = sizeof(inside_op),
  .run = get_guest_info_run,
  .push = get_guest_info_push,
  .release = get_guest_info_release,
  .lane = GL_LANE_AGENT,
};

const gl_opdef *const gl_guest_inside_ops[] = {&get_guest_info_def, NULL};
