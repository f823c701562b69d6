/* Domain: lists of things that a guest has: file systems, addresses, threads, labels. */
#include <lauxlib.h>
#include <stdlib.h>

#include "call/push.h"
#include "call/values.h"
#include "virt/guest/rows.h"
#include "virt/object/generated.h"

typedef struct list_op {
  gl_op op;
  int source;
  int count;
  virDomainFSInfoPtr *systems;
  virDomainInterfacePtr *interfaces;
  virDomainIOThreadInfoPtr *threads;
  virSecurityLabelPtr labels;
} list_op;

static int keep_count(gl_op *op, int count)
{
  ((list_op *)op)->count = count < 0 ? 0 : count;
  return count;
}

/* ---- file systems ---- */

static int fs_info_run(gl_op *op)
{
  return keep_count(op, virDomainGetFSInfo(gl_op_domain(op), &((list_op *)op)->systems, 0));
}

static int fs_info_push(lua_State *L, gl_op *op)
{
  const list_op *self = (list_op *)op;
  lua_createtable(L, self->count, 0);
  for (int i = 0; i < self->count; i++) {
    const virDomainFSInfo *one = self->systems[i];
    lua_createtable(L, 0, 4);
    gl_set_text(L, "mountpoint", one->mountpoint);
    gl_set_text(L, "name", one->name);
    gl_set_text(L, "fstype", one->fstype);
    lua_createtable(L, (int)one->ndevAlias, 0);
    for (size_t j = 0; j < one->ndevAlias; j++) {
      lua_pushstring(L, one->devAlias[j]);
      lua_rawseti(L, -2, (lua_Integer)j + 1);
    }
    lua_setfield(L, -2, "dev_alias");
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static void fs_info_release(gl_op *op)
{
  list_op *self = (list_op *)op;
  for (int i = 0; i < self->count; i++)
    virDomainFSInfoFree(self->systems[i]);
  free(self->systems);
}
static const gl_result_field fs_info_fields[] = {
  {"mountpoint", "string", "where it is mounted"},
  {"name", "string", "its device in the guest"},
  {"fstype", "string", "as in \"ext4\""},
  {"dev_alias", "string[]", "the guest's disks that it is on, as in \"vda\""},
  {NULL, NULL, NULL},
};
static const gl_opdef get_fs_info_def = {
  .name = "get_fs_info",
  .call = "virDomainGetFSInfo",
  .help = "The file systems that are mounted in the guest, says its agent.",
  .result = {"table[]"},
  .fields = fs_info_fields,
  .size = sizeof(list_op),
  .run = fs_info_run,
  .push = fs_info_push,
  .release = fs_info_release,
  .lane = GL_LANE_AGENT,
};

/* ---- addresses ---- */

static const gl_param addresses_params[] = {
  {.name = "source",
   .kind = &gl_name,
   .offset = offsetof(list_op, source),
   .names = &gl_enum_virDomainInterfaceAddressesSource,
   .help = "who is asked: the network's leases, the guest's agent, the host's ARP table; default: \"lease\""},
  GL_END,
};

static int addresses_run(gl_op *op)
{
  list_op *self = (list_op *)op;
  return keep_count(op, virDomainInterfaceAddresses(gl_op_domain(op), &self->interfaces, (unsigned)self->source, 0));
}

static int addresses_push(lua_State *L, gl_op *op)
{
  const list_op *self = (list_op *)op;
  lua_createtable(L, self->count, 0);
  for (int i = 0; i < self->count; i++) {
    const virDomainInterface *one = self->interfaces[i];
    lua_createtable(L, 0, 3);
    gl_set_text(L, "name", one->name);
    gl_set_text(L, "hwaddr", one->hwaddr);
    lua_createtable(L, (int)one->naddrs, 0);
    for (unsigned j = 0; j < one->naddrs; j++) {
      lua_createtable(L, 0, 3);
      gl_set_word(L, "type", &gl_enum_virIPAddrType, one->addrs[j].type);
      gl_set_text(L, "addr", one->addrs[j].addr);
      gl_set_integer(L, "prefix", one->addrs[j].prefix);
      lua_rawseti(L, -2, (lua_Integer)j + 1);
    }
    lua_setfield(L, -2, "addrs");
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static void addresses_release(gl_op *op)
{
  list_op *self = (list_op *)op;
  for (int i = 0; i < self->count; i++)
    virDomainInterfaceFree(self->interfaces[i]);
  free(self->interfaces);
}
static const gl_result_field interface_fields[] = {
  {"name", "string", "the interface, as whoever was asked calls it"},
  {"hwaddr", "string?", "its MAC address"},
  {"addrs", "table[]", "its addresses: type (\"ipv4\" or \"ipv6\"), addr, prefix"},
  {NULL, NULL, NULL},
};
static const gl_opdef interface_addresses_def = {
  .name = "interface_addresses",
  .call = "virDomainInterfaceAddresses",
  .help = "The IP addresses of the guest's network interfaces.",
  .result = {"table[]"},
  .fields = interface_fields,
  .params = addresses_params,
  .size = sizeof(list_op),
  .run = addresses_run,
  .push = addresses_push,
  .release = addresses_release,
  .lane = GL_LANE_AGENT,
};

/* ---- threads ---- */

static const gl_param iothread_params[] = {
  GL_OPTION_FLAG("live", VIR_DOMAIN_AFFECT_LIVE, "the running guest"),
  GL_OPTION_FLAG("config", VIR_DOMAIN_AFFECT_CONFIG, "its configuration, from the next start on"),
  GL_END,
};

static int iothread_info_run(gl_op *op)
{
  return keep_count(op, virDomainGetIOThreadInfo(gl_op_domain(op), &((list_op *)op)->threads, op->args.flags));
}

static int iothread_info_push(lua_State *L, gl_op *op)
{
  const list_op *self = (list_op *)op;
  lua_createtable(L, self->count, 0);
  for (int i = 0; i < self->count; i++) {
    lua_createtable(L, 0, 2);
    gl_set_integer(L, "iothread_id", self->threads[i]->iothread_id);
    gl_push_cpu_map(L, self->threads[i]->cpumap, (size_t)self->threads[i]->cpumaplen);
    lua_setfield(L, -2, "cpus");
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static void iothread_info_release(gl_op *op)
{
  list_op *self = (list_op *)op;
  for (int i = 0; i < self->count; i++)
    virDomainIOThreadInfoFree(self->threads[i]);
  free(self->threads);
}
static const gl_result_field iothread_fields[] = {
  {"iothread_id", "integer", "its number"},
  {"cpus", "integer[]", "the host's processors that it may run on"},
  {NULL, NULL, NULL},
};
static const gl_opdef get_iothread_info_def = {
  .name = "get_iothread_info",
  .call = "virDomainGetIOThreadInfo",
  .help = "The threads for the guest's disks, and on which of the host's processors they may run.",
  .result = {"table[]"},
  .fields = iothread_fields,
  .params = iothread_params,
  .size = sizeof(list_op),
  .run = iothread_info_run,
  .push = iothread_info_push,
  .release = iothread_info_release,
  GL_LOOK,
};

/* ---- labels ---- */

static int labels_run(gl_op *op)
{
  return keep_count(op, virDomainGetSecurityLabelList(gl_op_domain(op), &((list_op *)op)->labels));
}

static int labels_push(lua_State *L, gl_op *op)
{
  const list_op *self = (list_op *)op;
  lua_createtable(L, self->count, 0);
  for (int i = 0; i < self->count; i++) {
    lua_createtable(L, 0, 2);
    gl_set_text(L, "label", self->labels[i].label);
    gl_set_integer(L, "enforcing", self->labels[i].enforcing);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static void labels_release(gl_op *op)
{
  free(((list_op *)op)->labels);
}
static const gl_result_field label_fields[] = {
  {"label", "string", "the label"},
  {"enforcing", "integer", "1: the host enforces it"},
  {NULL, NULL, NULL},
};
static const gl_opdef get_security_label_list_def = {
  .name = "get_security_label_list",
  .call = "virDomainGetSecurityLabelList",
  .help = "The security labels of the guest's process, one for each model.",
  .result = {"table[]"},
  .fields = label_fields,
  .size = sizeof(list_op),
  .run = labels_run,
  .push = labels_push,
  .release = labels_release,
  GL_LOOK,
};

const gl_opdef *const gl_domain_list_ops[] = {&get_fs_info_def, &interface_addresses_def, &get_iothread_info_def,
                                              &get_security_label_list_def, NULL};
