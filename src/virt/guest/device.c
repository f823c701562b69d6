/* Guest: attaching and detaching devices. */
#include "element/kind.h"
#include "virt/guest/rows.h"

typedef struct conf_op {
  gl_op op;
  const char *conf;
} conf_op;

static const gl_param conf_params[] = {
  GL_ARG(conf_op, conf, &gl_xml, "the device"),
  GL_OPTION_FLAG("persistent", VIR_DOMAIN_AFFECT_CONFIG, "change the persistent configuration"),
  GL_OPTION_FLAG("live", VIR_DOMAIN_AFFECT_LIVE, "change the running guest"),
  GL_END,
};

static int attach_device_run(gl_op *op)
{
  return virDomainAttachDeviceFlags(gl_op_domain(op), ((conf_op *)op)->conf, op->args.flags);
}
static const gl_opdef attach_device_def = {
  .name = "attach_device",
  .call = "virDomainAttachDeviceFlags",
  .help = "Gives the guest a device. With neither option its current state changes: the running guest, or the configuration of one that "
          "does not.",
  .params = conf_params,
  .size = sizeof(conf_op),
  .run = attach_device_run,
  GL_CHANGE,
};

static int detach_device_run(gl_op *op)
{
  return virDomainDetachDeviceFlags(gl_op_domain(op), ((conf_op *)op)->conf, op->args.flags);
}
static const gl_opdef detach_device_def = {
  .name = "detach_device",
  .call = "virDomainDetachDeviceFlags",
  .help = "Takes a device from the guest. A running guest is asked to let go of it: the device may still be there when the call is over, "
          "and stays "
          "where the guest does not answer; detach_device_with_retry sees to that.",
  .params = conf_params,
  .size = sizeof(conf_op),
  .run = detach_device_run,
  GL_CHANGE,
};

const gl_opdef *const gl_guest_device_ops[] = {&attach_device_def, &detach_device_def, NULL};
