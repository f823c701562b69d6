/* Guest: attaching and detaching devices, metadata, snapshots: what is given to libvirt as XML. */
#include <lauxlib.h>
#include <libvirt/virterror.h>

#include "element/element.h"
#include "virt/guest/guest.h"

/* ---- attach and detach ---- */

typedef struct conf_op {
  gl_op op;
  const char *conf;
} conf_op;

static const gl_param conf_params[] = {
  GL_ARG(conf_op, conf, GL_XML, "the device"),
  GL_OPTION_FLAG("persistent", VIR_DOMAIN_AFFECT_CONFIG, "change the persistent configuration"),
  GL_OPTION_FLAG("live", VIR_DOMAIN_AFFECT_LIVE, "change the running guest"),
  GL_END,
};

static int attach_device_run(gl_op *op)
{
  return virDomainAttachDeviceFlags(op->dom, ((conf_op *)op)->conf, op->flags);
}
static const gl_opdef attach_device_def = {
  .name = "attach_device",
  .call = "virDomainAttachDeviceFlags",
  .help = "Gives the guest a device. With neither option its current state changes: the running guest, or the configuration of one that "
          "does not.",
  .params = conf_params,
  .size = sizeof(conf_op),
  .run = attach_device_run,
  .changes = true,
};

static int detach_device_run(gl_op *op)
{
  return virDomainDetachDeviceFlags(op->dom, ((conf_op *)op)->conf, op->flags);
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
  .changes = true,
};

/* ---- metadata ---- */

#define INSTANCE_URI "http://openstack.org/xmlns/libvirt/nova/1.1"

typedef struct metadata_op {
  gl_text_op text;
  const char *metadata, *key, *uri;
} metadata_op;

static const gl_param set_metadata_params[] = {
  GL_ARG_OR_NIL(metadata_op, metadata, GL_XML, "the element to keep; nil: none, the one that is there is removed"),
  GL_OPTION_FLAG("persistent", VIR_DOMAIN_AFFECT_CONFIG, "change the persistent configuration"),
  GL_OPTION_FLAG("live", VIR_DOMAIN_AFFECT_LIVE, "change the running guest"),
  GL_OPTION(metadata_op, key, GL_STRING, "the prefix of its namespace; \"instance\" where nothing is said (not in the reference)"),
  GL_OPTION(metadata_op, uri, GL_STRING, "its namespace; " INSTANCE_URI " where nothing is said (not in the reference)"),
  GL_END,
};

static int set_metadata_run(gl_op *op)
{
  metadata_op *self = (metadata_op *)op;
  return virDomainSetMetadata(op->dom, VIR_DOMAIN_METADATA_ELEMENT, self->metadata, self->key ? self->key : "instance",
                              self->uri ? self->uri : INSTANCE_URI, op->flags);
}
static const gl_opdef set_metadata_def = {
  .name = "set_metadata",
  .call = "virDomainSetMetadata",
  .help = "Keeps an element of yours in the guest's configuration; the one of the same namespace is replaced.",
  .params = set_metadata_params,
  .size = sizeof(metadata_op),
  .run = set_metadata_run,
  .changes = true,
};

static const gl_param get_metadata_params[] = {
  GL_OPTION(metadata_op, uri, GL_STRING, "its namespace; " INSTANCE_URI " where nothing is said"),
  GL_OPTION_FLAG("persistent", VIR_DOMAIN_AFFECT_CONFIG, "from the persistent configuration"),
  GL_OPTION_FLAG("live", VIR_DOMAIN_AFFECT_LIVE, "from the running guest"),
  GL_END,
};

/* rc: 1 where there is none */
static int get_metadata_run(gl_op *op)
{
  metadata_op *self = (metadata_op *)op;
  self->text.text = virDomainGetMetadata(op->dom, VIR_DOMAIN_METADATA_ELEMENT, self->uri ? self->uri : INSTANCE_URI, op->flags);
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
  .help = "What set_metadata keeps. Not in the reference.",
  .returns = "Element, or nil where there is none",
  .params = get_metadata_params,
  .size = sizeof(metadata_op),
  .run = get_metadata_run,
  .push = get_metadata_push,
  .release = gl_release_text,
  .quick = true,
  .lane = GL_LANE_BESIDE,
};

/* ---- snapshots ---- */

typedef struct snapshot_op {
  gl_op op;
  const char *conf;
} snapshot_op;

static const gl_param snapshot_params[] = {
  GL_ARG(snapshot_op, conf, GL_XML, "what to take: a <domainsnapshot> element"),
  GL_OPTION_FLAG("no_metadata", VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA, "libvirt does not remember the snapshot"),
  GL_OPTION_FLAG("disk_only", VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY, "the disks, and not the memory"),
  GL_OPTION_FLAG("reuse_ext", VIR_DOMAIN_SNAPSHOT_CREATE_REUSE_EXT, "the files of the new images exist already"),
  GL_OPTION_FLAG("quiesce", VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE, "freeze the file systems meanwhile; needs the guest agent"),
  GL_OPTION_FLAG("atomic", VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC, "all disks or none (not in the reference)"),
  GL_END,
};

static int snapshot_run(gl_op *op)
{
  virDomainSnapshotPtr snapshot = virDomainSnapshotCreateXML(op->dom, ((snapshot_op *)op)->conf, op->flags);
  return snapshot ? virDomainSnapshotFree(snapshot) : -1;
}
static const gl_opdef snapshot_def = {
  .name = "snapshot",
  .call = "virDomainSnapshotCreateXML",
  .help = "Takes a snapshot.",
  .params = snapshot_params,
  .size = sizeof(snapshot_op),
  .run = snapshot_run,
  .changes = true,
};

const gl_opdef *const gl_guest_device_ops[] = {
  &attach_device_def, &detach_device_def, &set_metadata_def, &get_metadata_def, &snapshot_def, NULL,
};
