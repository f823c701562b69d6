/* Guest: attaching and detaching devices. */
#include "call/op_error.h"
#include "element/kind.h"
#include "text/xml.h"
#include "virt/guest/rows.h"

typedef struct conf_op {
  gl_op op;
  const char *conf;
} conf_op;

static const gl_param conf_params[] = {
  GL_ARG(conf_op, conf, &gl_xml, "the device; of a QEMU guest a disk has to have its <target dev>"),
  GL_OPTION_FLAG("persistent", VIR_DOMAIN_AFFECT_CONFIG, "change the persistent configuration"),
  GL_OPTION_FLAG("live", VIR_DOMAIN_AFFECT_LIVE, "change the running guest"),
  GL_END,
};

/* This library's own bit, for attach_device alone. */
#define VALIDATE (1u << 31)

typedef struct attach_op {
  conf_op conf;
  char message[512];
} attach_op;

static const gl_param attach_params[] = {
  GL_ARG(conf_op, conf, &gl_xml, "the device"),
  GL_OPTION_FLAG("persistent", VIR_DOMAIN_AFFECT_CONFIG, "change the persistent configuration"),
  GL_OPTION_FLAG("live", VIR_DOMAIN_AFFECT_LIVE, "change the running guest"),
  GL_OPTION_FLAG("validate", VALIDATE,
                 "check it against libvirt's schema first: libvirt silently drops what it does not know (not in the reference)"),
  GL_END,
};

/* rc: 1 if the device does not fit the schema */
static int attach_device_run(gl_op *op)
{
  attach_op *self = (attach_op *)op;
  if (op->args.flags & VALIDATE && gl_xml_validate_text(self->conf.conf, self->message, sizeof self->message))
    return 1;
  return virDomainAttachDeviceFlags(gl_op_domain(op), self->conf.conf, op->args.flags & ~VALIDATE);
}

static int attach_device_push(lua_State *L, gl_op *op)
{
  if (op->rc == 1)
    gl_error_call(L, op, "invalid_xml", "not valid: %s", ((attach_op *)op)->message);
  return 0;
}
static const gl_opdef attach_device_def = {
  .name = "attach_device",
  .call = "virDomainAttachDeviceFlags",
  .help = "Gives the guest a device. With neither option its current state changes: the running guest, or the configuration of one that "
          "does not.",
  .params = attach_params,
  .size = sizeof(attach_op),
  .run = attach_device_run,
  .push = attach_device_push,
  GL_CHANGE,
};

static int detach_device_run(gl_op *op)
{
  return virDomainDetachDeviceFlags(gl_op_domain(op), ((conf_op *)op)->conf, op->args.flags);
}
static const gl_opdef detach_device_def = {
  .name = "detach_device",
  .call = "virDomainDetachDeviceFlags",
  .help = "Takes a device from the guest. A running guest is asked to release it: the device may still be there when the call is over, "
          "and stays if the guest does not answer; detach_device_with_retry sees to that. If there is none the error's kind is "
          "\"device_not_found\".",
  .params = conf_params,
  .size = sizeof(conf_op),
  .names_device = true,
  .check = gl_xml_check_detached,
  .run = detach_device_run,
  GL_CHANGE,
};

const gl_opdef *const gl_guest_device_ops[] = {&attach_device_def, &detach_device_def, NULL};
