/* Guest: the guest's own job (a migration, a save, a dump), and migration. */
#include <lauxlib.h>
#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "call/libvirt_names.h"
#include "virt/guest/rows.h"

/* ---- get_job_info ---- */

/* The reference's fields: each has the name of libvirt's typed parameter, except five. */
static const struct {
  const char *field, *parameter;
} job_fields[] = {
#define SAME(name) \
  {                \
    name, name     \
  }
  SAME("time_elapsed"),
  SAME("time_remaining"),
  SAME("data_total"),
  SAME("data_processed"),
  SAME("data_remaining"),
  SAME("memory_total"),
  SAME("memory_processed"),
  SAME("memory_remaining"),
  SAME("disk_total"),
  SAME("disk_processed"),
  SAME("disk_remaining"),
  SAME("downtime"),
  SAME("setup_time"),
  SAME("memory_iteration"),
  SAME("memory_constant"),
  SAME("memory_normal"),
  SAME("memory_normal_bytes"),
  SAME("memory_bps"),
  SAME("disk_bps"),
  {"comp_cache", "compression_cache"},
  {"comp_bytes", "compression_bytes"},
  {"comp_pages", "compression_pages"},
  {"comp_cache_misses", "compression_cache_misses"},
  {"comp_overflow", "compression_overflow"},
};
#define JOB_FIELDS ((int)(sizeof job_fields / sizeof *job_fields))

typedef struct job_info_op {
  gl_op op;
  int type, operation;
  unsigned long long values[JOB_FIELDS];
} job_info_op;

static unsigned long long value_of(const virTypedParameter *p)
{
  switch (p->type) {
  case VIR_TYPED_PARAM_INT:
    return (unsigned long long)p->value.i;
  case VIR_TYPED_PARAM_UINT:
    return p->value.ui;
  case VIR_TYPED_PARAM_LLONG:
    return (unsigned long long)p->value.l;
  case VIR_TYPED_PARAM_ULLONG:
    return p->value.ul;
  default:
    return 0;
  }
}

/* Whether the error only means that there is no job any more, or none yet; fills in the type. */
static bool no_job(job_info_op *self, bool stats)
{
  virErrorPtr e = virGetLastError();
  if (!e)
    return false;
  if (e->code == VIR_ERR_NO_DOMAIN || e->code == VIR_ERR_OPERATION_INVALID)
    self->type = VIR_DOMAIN_JOB_COMPLETED;
  else if (stats && e->code == VIR_ERR_INTERNAL_ERROR && e->message &&
           strstr(e->message, "migration was active, but no RAM info was set")) /* it is about to begin or to end */
    self->type = VIR_DOMAIN_JOB_NONE;
  else
    return false;
  return true;
}

static int job_stats(job_info_op *self)
{
  virTypedParameterPtr params = NULL;
  int count = 0;
  if (virDomainGetJobStats(gl_op_domain(&self->op), &self->type, &params, &count, self->op.args.flags) < 0)
    return no_job(self, true) ? 0 : -1;
  for (int p = 0; p < count; p++) {
    if (strcmp(params[p].field, VIR_DOMAIN_JOB_OPERATION) == 0)
      self->operation = (int)value_of(&params[p]);
    for (int f = 0; f < JOB_FIELDS; f++)
      if (strcmp(params[p].field, job_fields[f].parameter) == 0)
        self->values[f] = value_of(&params[p]);
  }
  virTypedParamsFree(params, count);
  return 0;
}

/* The older call. Its members are the first of job_fields, in that order. */
static int job_info(job_info_op *self)
{
  virDomainJobInfo info;
  if (virDomainGetJobInfo(gl_op_domain(&self->op), &info) < 0)
    return no_job(self, false) ? 0 : -1;
  const unsigned long long values[] = {info.timeElapsed,   info.timeRemaining, info.dataTotal,    info.dataProcessed,
                                       info.dataRemaining, info.memTotal,      info.memProcessed, info.memRemaining,
                                       info.fileTotal,     info.fileProcessed, info.fileRemaining};
  self->type = info.type;
  memcpy(self->values, values, sizeof values);
  return 0;
}

static int get_job_info_run(gl_op *op)
{
  job_info_op *self = (job_info_op *)op;
  if (op->args.flags || !(atomic_load(&op->connection->unsupported) & GL_UNSUPPORTED_JOB_STATS)) {
    if (job_stats(self) == 0)
      return 0;
    virErrorPtr e = virGetLastError();
    if (!e || e->code != VIR_ERR_NO_SUPPORT || op->args.flags)
      return -1;
    atomic_fetch_or(&op->connection->unsupported, GL_UNSUPPORTED_JOB_STATS);
  }
  return job_info(self);
}

static int get_job_info_push(lua_State *L, gl_op *op)
{
  job_info_op *self = (job_info_op *)op;
  lua_createtable(L, 0, JOB_FIELDS + 3);
  lua_pushinteger(L, self->type);
  lua_setfield(L, -2, "type");
  gl_enum_push(L, &gl_job_types, self->type);
  lua_setfield(L, -2, "job_type");
  if (self->operation) {
    gl_enum_push(L, &gl_job_operations, self->operation);
    lua_setfield(L, -2, "operation");
  }
  for (int f = 0; f < JOB_FIELDS; f++) {
    lua_pushinteger(L, (lua_Integer)self->values[f]);
    lua_setfield(L, -2, job_fields[f].field);
  }
  return 1;
}
static const gl_param get_job_info_params[] = {
  GL_OPTION_FLAG("completed", VIR_DOMAIN_JOB_STATS_COMPLETED, "the statistics of the last finished job, once (not in the reference)"),
  GL_OPTION_FLAG("keep_completed", VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED, "with completed: they can be read again (not in the reference)"),
  GL_END,
};
static const gl_result_field job_info_fields[] = {
  {"job_type", "string", "libvirt's word: \"none\", \"bounded\", \"unbounded\", \"completed\", \"failed\" or \"cancelled\""},
  {"type", "integer", "its number, as the reference has it"},
  {"operation", "string?", "what the job is for: \"migration_out\", \"save\", \"backup\" …; nil: libvirt does not say"},
  {"time_elapsed", "integer", "ms since it began"},
  {"time_remaining", "integer", "ms that are left, if that is known"},
  {"downtime", "integer", "ms that the guest stands still for it"},
  {"setup_time", "integer", "ms that it took to begin"},
  {"data_total", "integer", "bytes in all"},
  {"data_processed", "integer", "of these, done"},
  {"data_remaining", "integer", "of these, left"},
  {"memory_total", "integer", "bytes of memory"},
  {"memory_processed", "integer", "of these, done"},
  {"memory_remaining", "integer", "of these, left"},
  {"disk_total", "integer", "bytes of disks"},
  {"disk_processed", "integer", "of these, done"},
  {"disk_remaining", "integer", "of these, left"},
  {"memory_iteration", "integer", "how often it has gone over the memory"},
  {"memory_constant", "integer", "pages that were all of one byte"},
  {"memory_normal", "integer", "pages that were sent whole"},
  {"memory_normal_bytes", "integer", "the same in bytes"},
  {"memory_bps", "integer", "bytes of memory per second"},
  {"disk_bps", "integer", "bytes of disks per second"},
  {"comp_cache", "integer", "bytes of the cache for compression"},
  {"comp_bytes", "integer", "bytes that were sent compressed"},
  {"comp_pages", "integer", "pages that were sent compressed"},
  {"comp_cache_misses", "integer", "pages that the cache did not have"},
  {"comp_overflow", "integer", "pages that compression would have made longer"},
  {NULL, NULL, NULL},
};
static const gl_opdef get_job_info_def = {
  .name = "get_job_info",
  .call = "virDomainGetJobStats",
  .help = "Progress of the guest's job, for example a migration. For a disk's job see disk:get_job_info(). If the guest is gone or off, "
          "the job is reported as completed.",
  .result = {"table"},
  .fields = job_info_fields,
  .params = get_job_info_params,
  .size = sizeof(job_info_op),
  .run = get_job_info_run,
  .push = get_job_info_push,
  GL_LOOK,
};

static const gl_param abort_job_params[] = {
  GL_OPTION_FLAG(
    "postcopy", VIR_DOMAIN_ABORT_JOB_POSTCOPY,
    "a migration that is in its post-copy phase: it is interrupted, and can be resumed with the flag postcopy_resume (libvirt 8.5; "
    "not in the reference)"),
  GL_END,
};

static int abort_job_run(gl_op *op)
{
  return op->args.flags ? virDomainAbortJobFlags(gl_op_domain(op), op->args.flags) : virDomainAbortJob(gl_op_domain(op));
}
static const gl_opdef abort_job_def = {
  .name = "abort_job",
  .call = "virDomainAbortJob",
  .help = "Ends the guest's job; the call that started it, as migrate, then fails. With an option it is virDomainAbortJobFlags.",
  .params = abort_job_params,
  .run = abort_job_run,
  .changes = true,
  .lane = GL_LANE_BESIDE,
};

const gl_opdef *const gl_guest_job_ops[] = {&get_job_info_def, &abort_job_def, NULL};
