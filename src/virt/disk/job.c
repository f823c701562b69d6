/* BlockDevice: the job on it, its progress and its end. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "call/libvirt_names.h"
#include "text/xml.h"
#include "virt/disk/rows.h"

static const gl_param abort_job_params[] = {
  GL_OPTION_FLAG("async", VIR_DOMAIN_BLOCK_JOB_ABORT_ASYNC, "request the end, and do not wait for it"),
  GL_OPTION_FLAG("pivot", VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT, "end a ready copy or active commit by switching the guest to the new image"),
  GL_END,
};

static int abort_job_run(gl_op *op)
{
  return virDomainBlockJobAbort(gl_op_domain(op), op->part, op->args.flags);
}
static const gl_opdef abort_job_def = {
  .name = "abort_job",
  .call = "virDomainBlockJobAbort",
  .help = "Ends the job on the disk.",
  .params = abort_job_params,
  .run = abort_job_run,
  .changes = true,
  .lane = GL_LANE_BESIDE,
};

typedef struct job_info_op {
  gl_op op;
  virDomainBlockJobInfo info;
  bool ready; /* is_job_complete: the mirror of the disk is ready */
} job_info_op;

static int job_info(gl_op *op, unsigned flags)
{
  return virDomainGetBlockJobInfo(gl_op_domain(op), op->part, &((job_info_op *)op)->info, flags);
}

static const gl_param get_job_info_params[] = {
  GL_OPTION_FLAG("bandwidth_bytes", VIR_DOMAIN_BLOCK_JOB_INFO_BANDWIDTH_BYTES, "bandwidth is in bytes/s (not in the reference)"),
  GL_END,
};

/* rc: 1, or 0 if there is no job */
static int get_job_info_run(gl_op *op)
{
  return job_info(op, op->args.flags);
}

static int get_job_info_push(lua_State *L, gl_op *op)
{
  const virDomainBlockJobInfo *info = &((job_info_op *)op)->info;
  if (op->rc == 0) {
    lua_pushnil(L);
    return 1;
  }
  lua_createtable(L, 0, 6);
  lua_pushinteger(L, info->type);
  lua_setfield(L, -2, "job");
  gl_enum_push(L, &gl_block_job_types, info->type);
  lua_setfield(L, -2, "job_type");
  lua_pushinteger(L, (lua_Integer)info->bandwidth);
  lua_setfield(L, -2, "bandwidth");
  lua_pushinteger(L, (lua_Integer)info->cur);
  lua_setfield(L, -2, "cur");
  lua_pushinteger(L, (lua_Integer)info->end);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "end");
  lua_setfield(L, -2, "end_"); /* info.end cannot be written in Lua */
  return 1;
}
static const gl_result_field job_info_fields[] = {
  {"job_type", "string", "libvirt's word: \"pull\", \"copy\", \"commit\", \"active_commit\" …"},
  {"job", "integer", "its number, as the reference has it"},
  {"bandwidth", "integer", "the limit of its speed in MiB/s, or in bytes/s with bandwidth_bytes; 0: none"},
  {"cur", "integer", "how far it is, in a unit of its own"},
  {"end", "integer", "how far it has to come"},
  {"end_", "integer", "the same: `info.end` cannot be written in Lua"},
  {NULL, NULL, NULL},
};
static const gl_opdef get_job_info_def = {
  .name = "get_job_info",
  .call = "virDomainGetBlockJobInfo",
  .help = "Progress of the job on the disk. cur == end does not mean that it is ready: see is_job_complete and await_job.",
  .result = {"table?"},
  .fields = job_info_fields,
  .params = get_job_info_params,
  .size = sizeof(job_info_op),
  .run = get_job_info_run,
  .push = get_job_info_push,
  GL_LOOK,
};

/* Sets `ready` from the disk's <mirror>; false if there is no such disk. */
static int find_mirror(job_info_op *self)
{
  char message[256];
  char *text = virDomainGetXMLDesc(gl_op_domain(&self->op), 0);
  if (!text)
    return -1;
  xmlDocPtr doc = gl_xml_parse(text, strlen(text), message, sizeof message);
  free(text);
  if (!doc)
    return -1;
  self->ready = gl_xml_attribute_is(gl_xml_child(gl_xml_disk(doc, self->op.part), "mirror"), "ready", "yes");
  xmlFreeDoc(doc);
  return 1;
}

static int is_job_complete_run(gl_op *op)
{
  job_info_op *self = (job_info_op *)op;
  int rc = job_info(op, 0);
  return rc == 1 && self->info.cur == self->info.end ? find_mirror(self) : rc;
}

static int is_job_complete_push(lua_State *L, gl_op *op)
{
  lua_pushboolean(L, op->rc == 0 || ((job_info_op *)op)->ready);
  return 1;
}
static const gl_opdef is_job_complete_def = {
  .name = "is_job_complete",
  .call = "virDomainGetBlockJobInfo",
  .help = "Whether the disk has no job (any more), or a job with a mirror ready for the pivot. It does not wait, and cannot tell success "
          "from failure; await_job does both.",
  .result = {"boolean"},
  .returns = "boolean: true means finished",
  .size = sizeof(job_info_op),
  .run = is_job_complete_run,
  .push = is_job_complete_push,
  GL_LOOK,
};

/* Options of no libvirt call. */
#define ABORT_ON_ERROR 1
#define WAIT_FOR_JOB_CLEAN 2

static const gl_param wait_for_job_params[] = {
  GL_OPTION_FLAG("abort_on_error", ABORT_ON_ERROR, "accepted for compatibility with the reference: an error is raised in any case"),
  GL_OPTION_FLAG("wait_for_job_clean", WAIT_FOR_JOB_CLEAN, "count the job as running until libvirt has cleaned up"),
  GL_END,
};

static int wait_for_job_run(gl_op *op)
{
  return job_info(op, 0);
}

static int wait_for_job_push(lua_State *L, gl_op *op)
{
  const virDomainBlockJobInfo *info = &((job_info_op *)op)->info; /* all 0 if there is no job */
  lua_pushboolean(L, op->args.flags & WAIT_FOR_JOB_CLEAN ? info->type != 0 : info->cur != info->end);
  return 1;
}
static const gl_opdef wait_for_job_def = {
  .name = "wait_for_job",
  .call = "virDomainGetBlockJobInfo",
  .help = "The reference's older check. Despite its name it does not wait: true means that the job still runs. await_job waits.",
  .result = {"boolean"},
  .returns = "boolean: true means still running",
  .params = wait_for_job_params,
  .size = sizeof(job_info_op),
  .run = wait_for_job_run,
  .push = wait_for_job_push,
  .quick = true,
};

const gl_opdef *const gl_block_device_job_ops[] = {&abort_job_def, &get_job_info_def, &is_job_complete_def, &wait_for_job_def, NULL};
