/* Guest: its state. */
#include <lauxlib.h>
#include <stdlib.h>

#include "call/libvirt_names.h"
#include "call/push.h"
#include "virt/guest/rows.h"

static int is_active_run(gl_op *op)
{
  return virDomainIsActive(gl_op_domain(op));
}
static const gl_opdef is_active_def = {
  .name = "is_active",
  .call = "virDomainIsActive",
  .help = "Whether the guest is active: running or paused.",
  .result = {"boolean"},
  .run = is_active_run,
  .push = gl_push_boolean,
  GL_LOOK,
};

static int has_persistent_configuration_run(gl_op *op)
{
  return virDomainIsPersistent(gl_op_domain(op));
}
static const gl_opdef has_persistent_configuration_def = {
  .name = "has_persistent_configuration",
  .call = "virDomainIsPersistent",
  .help = "Whether the host keeps the guest's configuration after the guest stops.",
  .result = {"boolean"},
  .run = has_persistent_configuration_run,
  .push = gl_push_boolean,
  GL_LOOK,
};

typedef struct info_op {
  gl_op op;
  virDomainInfo info;
  int id;
} info_op;

static const gl_param info_params[] = {
  GL_ARG_HERE("host", &gl_any, false, "accepted for compatibility with the reference; the guest knows its host"),
  GL_END,
};

static int get_info_run(gl_op *op)
{
  info_op *self = (info_op *)op;
  self->id = (int)virDomainGetID(gl_op_domain(op));
  return virDomainGetInfo(gl_op_domain(op), &self->info);
}

/* The reference's power states: libvirt's domain states, with "blocked" reported as running and "shutoff" as shutdown. */
static int power_state(int state)
{
  return state == VIR_DOMAIN_BLOCKED ? VIR_DOMAIN_RUNNING : state == VIR_DOMAIN_SHUTOFF ? VIR_DOMAIN_SHUTDOWN : state;
}

static int get_info_push(lua_State *L, gl_op *op)
{
  const virDomainInfo *info = &((info_op *)op)->info;
  const struct {
    const char *name;
    lua_Integer value;
  } values[] = {
    {"state", power_state(info->state)},         {"internal_id", ((info_op *)op)->id},  {"id", ((info_op *)op)->id},
    {"max_mem_kb", (lua_Integer)info->maxMem},   {"mem_kb", (lua_Integer)info->memory}, {"num_cpu", info->nrVirtCpu},
    {"cpu_time_ns", (lua_Integer)info->cpuTime},
  };
  lua_createtable(L, 0, 8);
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    lua_pushinteger(L, values[i].value);
    lua_setfield(L, -2, values[i].name);
  }
  gl_enum_push(L, &gl_domain_states, info->state);
  lua_setfield(L, -2, "domain_state");
  return 1;
}
static const gl_result_field info_fields[] = {
  {"state", "integer", "a value of guestlua.power_state"},
  {"domain_state", "string", "libvirt's word for its state: \"running\", \"shutoff\" …"},
  {"id", "integer", "libvirt's number of the running guest; -1: it is off"},
  {"internal_id", "integer", "the same, by the reference's name"},
  {"max_mem_kb", "integer", "KiB of memory that it may have"},
  {"mem_kb", "integer", "KiB of memory that it has"},
  {"num_cpu", "integer", "its processors"},
  {"cpu_time_ns", "integer", "nanoseconds of processor time that it has used"},
  {NULL, NULL, NULL},
};
static const gl_opdef get_info_def = {
  .name = "get_info",
  .call = "virDomainGetInfo",
  .help = "The guest's power state and size. `state` is a value of guestlua.power_state; `domain_state` is libvirt's own word for it.",
  .result = {"table"},
  .fields = info_fields,
  .params = info_params,
  .size = sizeof(info_op),
  .run = get_info_run,
  .push = get_info_push,
  GL_LOOK,
};

static int get_power_state_push(lua_State *L, gl_op *op)
{
  lua_pushinteger(L, power_state(((info_op *)op)->info.state));
  return 1;
}
static const gl_opdef get_power_state_def = {
  .name = "get_power_state",
  .call = "virDomainGetInfo",
  .help = "The `state` of get_info().",
  .result = {"integer"},
  .returns = "integer: a value of guestlua.power_state",
  .params = info_params,
  .size = sizeof(info_op),
  .run = get_info_run,
  .push = get_power_state_push,
  GL_LOOK,
};

typedef struct vcpus_op {
  gl_op op;
  virVcpuInfoPtr infos;
} vcpus_op;

static int get_vcpus_run(gl_op *op)
{
  vcpus_op *self = (vcpus_op *)op;
  virDomainInfo info;
  if (virDomainGetInfo(gl_op_domain(op), &info) < 0)
    return -1;
  self->infos = calloc(info.nrVirtCpu, sizeof *self->infos);
  return self->infos ? virDomainGetVcpus(gl_op_domain(op), self->infos, info.nrVirtCpu, NULL, 0) : -1;
}

static int get_vcpus_push(lua_State *L, gl_op *op)
{
  lua_createtable(L, op->rc, 0);
  for (int i = 0; i < op->rc; i++) {
    const virVcpuInfo *info = &((vcpus_op *)op)->infos[i];
    const struct {
      const char *name;
      lua_Integer value;
    } values[] = {{"id", info->number}, {"cpu", info->cpu}, {"state", info->state}, {"time", (lua_Integer)info->cpuTime}};
    lua_createtable(L, 0, 4);
    for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
      lua_pushinteger(L, values[k].value);
      lua_setfield(L, -2, values[k].name);
    }
    gl_enum_push(L, &gl_vcpu_states, info->state);
    lua_setfield(L, -2, "vcpu_state");
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static void get_vcpus_release(gl_op *op)
{
  free(((vcpus_op *)op)->infos);
}
static const gl_result_field vcpu_fields[] = {
  {"id", "integer", "its number"},
  {"cpu", "integer", "the host's processor that it runs on; -1: none"},
  {"vcpu_state", "string", "\"offline\", \"running\" or \"blocked\""},
  {"state", "integer", "its number, as the reference has it"},
  {"time", "integer", "nanoseconds that it has used"},
  {NULL, NULL, NULL},
};
static const gl_opdef get_vcpus_def = {
  .name = "get_vcpus",
  .call = "virDomainGetVcpus",
  .help = "The running guest's processors, as a list; get_vcpus_info iterates over it.",
  .result = {"table[]"},
  .fields = vcpu_fields,
  .size = sizeof(vcpus_op),
  .run = get_vcpus_run,
  .push = get_vcpus_push,
  .release = get_vcpus_release,
  GL_LOOK,
};

typedef struct disk_errors_op {
  gl_op op;
  virDomainDiskErrorPtr errors;
} disk_errors_op;

static int get_disk_errors_run(gl_op *op)
{
  disk_errors_op *self = (disk_errors_op *)op;
  int disks = virDomainGetDiskErrors(gl_op_domain(op), NULL, 0, 0);
  if (disks <= 0)
    return disks;
  self->errors = calloc((size_t)disks, sizeof *self->errors);
  return self->errors ? virDomainGetDiskErrors(gl_op_domain(op), self->errors, (unsigned)disks, 0) : -1;
}

static int get_disk_errors_push(lua_State *L, gl_op *op)
{
  lua_newtable(L);
  for (int i = 0; i < op->rc; i++) {
    const virDomainDiskError *e = &((disk_errors_op *)op)->errors[i];
    gl_enum_push(L, &gl_disk_errors, e->error);
    lua_setfield(L, -2, e->disk);
  }
  return 1;
}

static void get_disk_errors_release(gl_op *op)
{
  disk_errors_op *self = (disk_errors_op *)op;
  for (int i = 0; self->errors && i < op->rc; i++)
    free(self->errors[i].disk);
  free(self->errors);
}
static const gl_opdef get_disk_errors_def = {
  .name = "get_disk_errors",
  .call = "virDomainGetDiskErrors",
  .help = "The disks of the running guest with an error that stopped it. Not in the reference.",
  .result = {"table<string,string>"},
  .returns = "\"unspec\" or \"no_space\" by the disk's target; empty if no disk has an error",
  .size = sizeof(disk_errors_op),
  .run = get_disk_errors_run,
  .push = get_disk_errors_push,
  .release = get_disk_errors_release,
  .lane = GL_LANE_BESIDE,
};

const gl_opdef *const gl_guest_info_ops[] = {
  &is_active_def, &has_persistent_configuration_def, &get_info_def, &get_power_state_def, &get_vcpus_def, &get_disk_errors_def, NULL,
};
