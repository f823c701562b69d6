/* Domain: on which of the host's processors a guest runs, and for how long. */
#include <lauxlib.h>
#include <limits.h>
#include <stdlib.h>

#include "base/error.h"
#include "call/push.h"
#include "call/values.h"
#include "virt/guest/rows.h"
#include "virt/object/reply.h"

/* Processors of a host have numbers below this. */
#define MOST_CPUS 16384

typedef struct pin_op {
  gl_op op;
  long long number; /* of the processor or of the thread */
  gl_numbers cpus;
  unsigned char *maps; /* as libvirt has them, one after the other */
  int length, count;   /* of each; how many */
} pin_op;

static void pin_release(gl_op *op)
{
  free(((pin_op *)op)->maps);
}

#define LIVE GL_OPTION_FLAG("live", VIR_DOMAIN_AFFECT_LIVE, "the running guest")
#define CONFIG GL_OPTION_FLAG("config", VIR_DOMAIN_AFFECT_CONFIG, "its configuration, from the next start on")
#define CPUS                                                                                                                           \
  {                                                                                                                                    \
    .name = "cpus", .kind = &gl_number_list, .positional = true, .required = true, .max = MOST_CPUS, .offset = offsetof(pin_op, cpus), \
    .help = "the numbers of the host's processors, as {0, 1, 2}"                                                                       \
  }
#define NUMBER(name_, text)                                                                                                       \
  {                                                                                                                               \
    .name = name_, .kind = &gl_integer, .positional = true, .required = true, .max = INT_MAX, .offset = offsetof(pin_op, number), \
    .help = text                                                                                                                  \
  }

static void pin_check(lua_State *L, gl_op *op)
{
  if (((pin_op *)op)->cpus.count == 0)
    gl_error_argument(L, op->def->name, "cpus", "at least one processor expected");
}

/* The list as a map: 0, or the failure. */
static int make_map(gl_op *op)
{
  pin_op *self = (pin_op *)op;
  size_t length;
  self->maps = gl_cpu_map(&self->cpus, &length);
  self->length = (int)length;
  return self->maps ? 0 : gl_op_fail(op, "no_memory", "out of memory");
}

static int pin_vcpu_run(gl_op *op)
{
  pin_op *self = (pin_op *)op;
  return make_map(op) < 0 ? -1 : virDomainPinVcpuFlags(gl_op_domain(op), (unsigned)self->number, self->maps, self->length, op->args.flags);
}

/* Drivers that know no flags: without any it is the older call that they have. */
static int pin_vcpu_run_any(gl_op *op)
{
  pin_op *self = (pin_op *)op;
  int rc = pin_vcpu_run(op);
  if (rc < 0 && self->maps && gl_reply_may_be_older(op))
    rc = virDomainPinVcpu(gl_op_domain(op), (unsigned)self->number, self->maps, self->length);
  return rc;
}
static const gl_param pin_vcpu_params[] = {NUMBER("vcpu", "the number of the guest's processor"), CPUS, LIVE, CONFIG, GL_END};
static const gl_opdef pin_vcpu_def = {
  .name = "pin_vcpu",
  .call = "virDomainPinVcpuFlags",
  .help = "Lets a processor of the guest run on these of the host's only.",
  .params = pin_vcpu_params,
  .size = sizeof(pin_op),
  .check = pin_check,
  .run = pin_vcpu_run_any,
  .release = pin_release,
  GL_CHANGE,
};
static const gl_opdef pin_def = {
  .name = "pin",
  .call = "virDomainPinVcpuFlags",
  .help = "Lets a processor of the guest run on these of the host's only: pin_vcpu, by a shorter name.",
  .params = pin_vcpu_params,
  .size = sizeof(pin_op),
  .check = pin_check,
  .run = pin_vcpu_run_any,
  .release = pin_release,
  GL_CHANGE,
};

static int pin_emulator_run(gl_op *op)
{
  pin_op *self = (pin_op *)op;
  return make_map(op) < 0 ? -1 : virDomainPinEmulator(gl_op_domain(op), self->maps, self->length, op->args.flags);
}
static const gl_param pin_emulator_params[] = {CPUS, LIVE, CONFIG, GL_END};
static const gl_opdef pin_emulator_def = {
  .name = "pin_emulator",
  .call = "virDomainPinEmulator",
  .help = "Lets the emulator itself run on these of the host's processors only.",
  .params = pin_emulator_params,
  .size = sizeof(pin_op),
  .check = pin_check,
  .run = pin_emulator_run,
  .release = pin_release,
  GL_CHANGE,
};

static int pin_iothread_run(gl_op *op)
{
  pin_op *self = (pin_op *)op;
  return make_map(op) < 0 ? -1 : virDomainPinIOThread(gl_op_domain(op), (unsigned)self->number, self->maps, self->length, op->args.flags);
}
static const gl_param pin_iothread_params[] = {NUMBER("iothread_id", "the thread's number"), CPUS, LIVE, CONFIG, GL_END};
static const gl_opdef pin_iothread_def = {
  .name = "pin_iothread",
  .call = "virDomainPinIOThread",
  .help = "Lets a thread for the guest's disks run on these of the host's processors only.",
  .params = pin_iothread_params,
  .size = sizeof(pin_op),
  .check = pin_check,
  .run = pin_iothread_run,
  .release = pin_release,
  GL_CHANGE,
};

/* ---- where they run now ---- */

/* Room for so many maps of the host's processors. */
static int make_room(gl_op *op, int count)
{
  pin_op *self = (pin_op *)op;
  int cpus = virNodeGetCPUMap(gl_op_connect(op), NULL, NULL, 0);
  if (cpus < 0)
    return -1;
  self->length = (cpus + 7) / 8;
  self->count = count;
  self->maps = calloc((size_t)count * (size_t)self->length + 1, 1);
  return self->maps ? 0 : gl_op_fail(op, "no_memory", "out of memory");
}

static int vcpu_pin_info_run(gl_op *op)
{
  pin_op *self = (pin_op *)op;
  unsigned flags = VIR_DOMAIN_VCPU_MAXIMUM | (op->args.flags ? op->args.flags : VIR_DOMAIN_VCPU_CURRENT);
  int count = virDomainGetVcpusFlags(gl_op_domain(op), flags);
  if (count < 0 || make_room(op, count) < 0)
    return -1;
  return virDomainGetVcpuPinInfo(gl_op_domain(op), count, self->maps, self->length, op->args.flags);
}

static int maps_push(lua_State *L, gl_op *op)
{
  const pin_op *self = (pin_op *)op;
  lua_createtable(L, op->rc, 0);
  for (int i = 0; i < op->rc && i < self->count; i++) {
    gl_push_cpu_map(L, self->maps + i * self->length, (size_t)self->length);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}
static const gl_param pin_info_params[] = {LIVE, CONFIG, GL_END};
static const gl_opdef get_vcpu_pin_info_def = {
  .name = "get_vcpu_pin_info",
  .call = "virDomainGetVcpuPinInfo",
  .help = "On which of the host's processors those of the guest may run.",
  .result = {"integer[][]"},
  .returns = "a list of host processors for each of the guest's, the first for its processor 0",
  .params = pin_info_params,
  .size = sizeof(pin_op),
  .run = vcpu_pin_info_run,
  .push = maps_push,
  .release = pin_release,
  GL_LOOK,
};

static int emulator_pin_info_run(gl_op *op)
{
  pin_op *self = (pin_op *)op;
  return make_room(op, 1) < 0 ? -1 : virDomainGetEmulatorPinInfo(gl_op_domain(op), self->maps, self->length, op->args.flags);
}

static int emulator_pin_info_push(lua_State *L, gl_op *op)
{
  const pin_op *self = (pin_op *)op;
  gl_push_cpu_map(L, self->maps, op->rc ? (size_t)self->length : 0);
  return 1;
}
static const gl_opdef get_emulator_pin_info_def = {
  .name = "get_emulator_pin_info",
  .call = "virDomainGetEmulatorPinInfo",
  .help = "On which of the host's processors the emulator itself may run.",
  .result = {"integer[]"},
  .params = pin_info_params,
  .size = sizeof(pin_op),
  .run = emulator_pin_info_run,
  .push = emulator_pin_info_push,
  .release = pin_release,
  GL_LOOK,
};

/* ---- time ---- */

typedef struct cpu_stats_op {
  gl_op op;
  virTypedParameterPtr params;
  int per_cpu, cpus, filled; /* how many parameters there is room for, for each processor; how many of them libvirt filled */
} cpu_stats_op;

#define TOTAL 1u

static int cpu_stats_run(gl_op *op)
{
  cpu_stats_op *self = (cpu_stats_op *)op;
  virDomainPtr dom = gl_op_domain(op);
  int start = op->args.flags & TOTAL ? -1 : 0;
  self->cpus = start < 0 ? 1 : virDomainGetCPUStats(dom, NULL, 0, 0, 0, 0);
  self->per_cpu = self->cpus < 0 ? -1 : virDomainGetCPUStats(dom, NULL, 0, start, 1, 0);
  if (self->per_cpu < 0)
    return -1;
  self->params = calloc((size_t)self->cpus * (size_t)self->per_cpu + 1, sizeof *self->params);
  if (!self->params)
    return gl_op_fail(op, "no_memory", "out of memory");
  if (self->per_cpu == 0)
    return 0;
  enum { MOST = 128 }; /* processors in one call, says libvirt */
  for (int first = 0; first < self->cpus; first += MOST) {
    int count = self->cpus - first < MOST ? self->cpus - first : MOST;
    self->filled =
      virDomainGetCPUStats(dom, self->params + first * self->per_cpu, (unsigned)self->per_cpu, start < 0 ? -1 : first, (unsigned)count, 0);
    if (self->filled < 0)
      return -1;
  }
  return 0;
}

static int cpu_stats_push(lua_State *L, gl_op *op)
{
  const cpu_stats_op *self = (cpu_stats_op *)op;
  if (op->args.flags & TOTAL) {
    gl_push_params(L, self->params, self->filled);
    return 1;
  }
  lua_createtable(L, self->cpus, 0);
  for (int i = 0; i < self->cpus; i++) {
    gl_push_params(L, self->params + i * self->per_cpu, self->filled);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static void cpu_stats_release(gl_op *op)
{
  cpu_stats_op *self = (cpu_stats_op *)op;
  virTypedParamsFree(self->params, self->params ? self->cpus * self->per_cpu : 0);
}
static const gl_param cpu_stats_params[] = {GL_OPTION_FLAG("total", TOTAL, "of all processors together"), GL_END};
static const gl_opdef get_cpu_stats_def = {
  .name = "get_cpu_stats",
  .call = "virDomainGetCPUStats",
  .help = "How much time of each of the host's processors the guest has used, in nanoseconds.",
  .result = {"table"},
  .returns = "a list of tables, the first for processor 0; with total one table",
  .params = cpu_stats_params,
  .size = sizeof(cpu_stats_op),
  .run = cpu_stats_run,
  .push = cpu_stats_push,
  .release = cpu_stats_release,
  GL_LOOK,
};

const gl_opdef *const gl_domain_cpu_ops[] = {
  &pin_vcpu_def,      &pin_def, &pin_emulator_def, &pin_iothread_def, &get_vcpu_pin_info_def, &get_emulator_pin_info_def,
  &get_cpu_stats_def, NULL,
};
