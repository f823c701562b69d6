/* Guest: an element of its own in its configuration. */
#include <lauxlib.h>
#include <libvirt/virterror.h>

#include "call/push.h"
#include "element/kind.h"
#include "element/node.h"
#include "virt/guest/rows.h"

#define INSTANCE_URI "http://openstack.org/xmlns/libvirt/nova/1.1"

typedef struct metadata_op {
  gl_text_op text;
  const char *metadata, *key, *uri;
} metadata_op;

static const gl_param set_metadata_params[] = {
  GL_ARG_OR_NIL(metadata_op, metadata, &gl_xml, "the element to keep; nil: remove the present one"),
  GL_OPTION_FLAG("persistent", VIR_DOMAIN_AFFECT_CONFIG, "change the persistent configuration"),
  GL_OPTION_FLAG("live", VIR_DOMAIN_AFFECT_LIVE, "change the running guest"),
  GL_OPTION(metadata_op, key, &gl_string, "the prefix of its namespace; default: \"instance\" (not in the reference)"),
  GL_OPTION(metadata_op, uri, &gl_string, "its namespace; default: " INSTANCE_URI " (not in the reference)"),
  GL_END,
};

static int set_metadata_run(gl_op *op)
{
  metadata_op *self = (metadata_op *)op;
  return virDomainSetMetadata(gl_op_domain(op), VIR_DOMAIN_METADATA_ELEMENT, self->metadata, self->key ? self->key : "instance",
                              self->uri ? self->uri : INSTANCE_URI, op->args.flags);
}
static const gl_opdef set_metadata_def = {
  .name = "set_metadata",
  .call = "virDomainSetMetadata",
  .help = "Keeps an element of your own in the guest's configuration; it replaces the one of the same namespace.",
  .params = set_metadata_params,
  .size = sizeof(metadata_op),
  .run = set_metadata_run,
  GL_CHANGE,
};

static const gl_param get_metadata_params[] = {
  GL_OPTION(metadata_op, uri, &gl_string, "its namespace; default: " INSTANCE_URI),
  GL_OPTION_FLAG("persistent", VIR_DOMAIN_AFFECT_CONFIG, "from the persistent configuration"),
  GL_OPTION_FLAG("live", VIR_DOMAIN_AFFECT_LIVE, "from the running guest"),
  GL_END,
};

/* rc: 1 if there is none */
static int get_metadata_run(gl_op *op)
{
  metadata_op *self = (metadata_op *)op;
  self->text.text =
    virDomainGetMetadata(gl_op_domain(op), VIR_DOMAIN_METADATA_ELEMENT, self->uri ? self->uri : INSTANCE_URI, op->args.flags);
  if (self->text.text)
    return 0;
  virErrorPtr e = virGetLastError();
  return e && e->code == VIR_ERR_NO_DOMAIN_METADATA ? 1 : -1;
}

static int get_metadata_push(lua_State *L, gl_op *op)
{
  metadata_op *self = (metadata_op *)op;
  if (op->rc == 1)
    lua_pushnil(L);
  else
    gl_element_push_text(L, self->text.text);
  return 1;
}
static const gl_opdef get_metadata_def = {
  .name = "get_metadata",
  .call = "virDomainGetMetadata",
  .help = "The element kept by set_metadata. Not in the reference.",
  .result = {"Element?"},
  .returns = "Element, or nil if there is none",
  .params = get_metadata_params,
  .size = sizeof(metadata_op),
  .run = get_metadata_run,
  .push = get_metadata_push,
  .release = gl_release_text,
  GL_LOOK,
};

const gl_opdef *const gl_guest_metadata_ops[] = {&set_metadata_def, &get_metadata_def, NULL};
