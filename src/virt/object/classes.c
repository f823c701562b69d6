#include "virt/object/classes.h"

#include "call/push.h"
#include "virt/guest/object.h"
#include "virt/object/generated.h"
#include "virt/object/rows.h"

/* ---- fields: what it was found on ---- */

#define PARENT(name_, text, class_, type)          \
  static int name_##_push(lua_State *L, gl_op *op) \
  {                                                \
    (void)op;                                      \
    gl_named_push_parent(L, 1, type);              \
    return 1;                                      \
  }                                                \
  static const gl_opdef name_##_def = {            \
    .name = #name_, .help = text, .result = {class_}, .run = gl_run_nothing, .push = name_##_push, .memory = true}

PARENT(guest, "The guest that it is of.", "Guest", &gl_guest_type);
PARENT(pool, "The pool that it was found in; nil if it was found on the Host.", "StoragePool?", &gl_storagepool_named.type);
PARENT(network, "The network that it is of.", "Network", &gl_network_named.type);

static int key_push(lua_State *L, gl_op *op)
{
  lua_pushstring(L, op->subject->owner);
  return 1;
}
static const gl_opdef key_def = {
  .name = "key",
  .help = "The volume's key, which no other volume has; often its path.",
  .result = {"string"},
  .run = gl_run_nothing,
  .push = key_push,
  .memory = true,
};

/* ---- classes ---- */

static const gl_opdef *const own[] = {&gl_named_close_def, NULL};
static const gl_opdef *const none[] = {NULL};

#define CLASS(name_, text, hand, ...)                                                        \
  static const gl_opdef *const *const name_##_ops[] = {gl_##name_##_calls, own, hand, NULL}; \
  static const gl_opdef *const name_##_fields[] = {&gl_named_host_def, __VA_ARGS__, NULL};   \
  const gl_class gl_##name_##_class = {                                                      \
    .type = &gl_##name_##_named.type, .help = text, .ops = name_##_ops, .fields = name_##_fields, .tostring = gl_named_tostring}

#define NAME &gl_named_name_def
#define UUID &gl_named_uuid_def

CLASS(snapshot, "A snapshot of a guest: guest:snapshots() lists them.", none, NAME, &guest_def);
CLASS(checkpoint, "A checkpoint of a guest, from which on its changes are known: guest:checkpoints() lists them.", none, NAME, &guest_def);
CLASS(network, "A virtual network: host:network and host:networks make one.", gl_network_ops, NAME, UUID);
CLASS(networkport, "A port of a virtual network: network:ports() lists them.", none, UUID, &network_def);
CLASS(storagepool, "A storage pool: host:pool and host:pools make one.", gl_storagepool_ops, NAME, UUID);
CLASS(storagevol, "A volume of a storage pool: pool:volume, pool:volumes and pool:create_volume make one.", gl_storagevol_ops, NAME,
      &key_def, &pool_def);
CLASS(nodedevice, "A device of the host: host:node_device and host:node_devices make one.", gl_nodedevice_ops, NAME);
CLASS(secret, "A secret that libvirt keeps: host:secret and host:secrets make one.", gl_secret_ops, UUID);
CLASS(interface, "A network interface of the host: host:interface and host:interfaces make one.", none, NAME);
CLASS(nwfilter, "A network filter: host:nwfilter and host:nwfilters make one.", none, NAME, UUID);
CLASS(nwfilterbinding, "A network filter in force on a port: host:nwfilter_bindings() lists them.", none, NAME);
