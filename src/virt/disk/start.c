/* BlockDevice: starting jobs. */
#include <lauxlib.h>
#include <limits.h>

#include "base/error.h"
#include "call/push.h"
#include "element/kind.h"
#include "event/kind.h"
#include "event/subscription.h"
#include "virt/disk/object.h"
#include "virt/disk/rows.h"

typedef struct job_op {
  gl_op op;
  const char *base, *top, *dest_xml;
  long long bandwidth; /* MiB/s, 0: unlimited */
  long long granularity, buf_size;
  virTypedParameterPtr params;
  int params_count;
  gl_sub *events;
} job_op;

/* Registers for the job's events before the call that starts it, or await_job might miss the end of a quick job. Any thread. */
static int hear(gl_op *op)
{
  return gl_sub_register(op, 1LL << (GL_EVENTS_OF_GUESTS + VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2), NULL, &((job_op *)op)->events);
}

/* The BlockDevice takes over the events; those of an earlier job end. */
static int job_push(lua_State *L, gl_op *op)
{
  gl_block_device *disk = lua_touserdata(L, 1);
  job_op *self = (job_op *)op;
  if (disk->object.closed)
    gl_error_throw(L, "closed", "the host was closed meanwhile");
  if (lua_getiuservalue(L, 1, GL_DISK_EVENTS) != LUA_TNIL)
    gl_object_close(lua_touserdata(L, -1));
  if (disk->events)
    gl_sub_drop(disk->events);
  disk->events = self->events;
  self->events = NULL;
  lua_pushinteger(L, op->rc);
  return 1;
}

static void job_release(gl_op *op)
{
  job_op *self = (job_op *)op;
  virTypedParamsFree(self->params, self->params_count);
  if (self->events)
    gl_sub_drop(self->events);
}

static const gl_param commit_params[] = {
  GL_ARG_OR_NIL(job_op, base, &gl_string, "the image to merge into, a path or \"vda[1]\"; nil: the bottom of the chain"),
  GL_ARG_OR_NIL(job_op, top, &gl_string, "the topmost image to merge; nil: the active one, which needs `active`"),
  GL_OPTION_FLAG("relative", VIR_DOMAIN_BLOCK_COMMIT_RELATIVE, "keep the backing chain referenced by relative names"),
  GL_OPTION_FLAG("active", VIR_DOMAIN_BLOCK_COMMIT_ACTIVE,
                 "merge the image that the guest writes to: the job becomes ready and continues until abort_job{pivot=true}"),
  GL_OPTION_FLAG("shallow", VIR_DOMAIN_BLOCK_COMMIT_SHALLOW, "base nil: merge into the image right below `top`"),
  GL_OPTION_FLAG("delete", VIR_DOMAIN_BLOCK_COMMIT_DELETE, "delete the images that were merged"),
  GL_OPTION(job_op, bandwidth, &gl_integer, "MiB/s at most; 0: no limit"),
  GL_OPTION_FLAG("bandwidth_bytes", VIR_DOMAIN_BLOCK_COMMIT_BANDWIDTH_BYTES, "bandwidth is in bytes/s (not in the reference)"),
  GL_END,
};

static int commit_run(gl_op *op)
{
  job_op *self = (job_op *)op;
  return hear(op) < 0
           ? -1
           : virDomainBlockCommit(gl_op_domain(op), op->part, self->base, self->top, (unsigned long)self->bandwidth, op->args.flags);
}
static const gl_opdef commit_def = {
  .name = "commit",
  .call = "virDomainBlockCommit",
  .help = "Starts merging images of the disk's backing chain downwards. disk:await_job() waits for the end.",
  .result = {"integer"},
  .params = commit_params,
  .size = sizeof(job_op),
  .run = commit_run,
  GL_CHANGE,
  .push = job_push,
  .release = job_release,
};

static const gl_param rebase_params[] = {
  GL_ARG_OR_NIL(job_op, base, &gl_string, "the image that becomes the backing file, or the destination with `copy`; nil: pull everything"),
  GL_OPTION_FLAG("shallow", VIR_DOMAIN_BLOCK_REBASE_SHALLOW, "copy only the top of the chain"),
  GL_OPTION_FLAG("reuse_ext", VIR_DOMAIN_BLOCK_REBASE_REUSE_EXT, "the destination's file exists already"),
  GL_OPTION_FLAG("copy", VIR_DOMAIN_BLOCK_REBASE_COPY, "start a copy to `base`"),
  GL_OPTION_FLAG("relative", VIR_DOMAIN_BLOCK_REBASE_RELATIVE, "keep the backing chain referenced by relative names"),
  GL_OPTION_FLAG("copy_dev", VIR_DOMAIN_BLOCK_REBASE_COPY_DEV, "the destination is a block device"),
  GL_OPTION_FLAG("copy_raw", VIR_DOMAIN_BLOCK_REBASE_COPY_RAW, "with copy: the new image is raw (not in the reference)"),
  GL_OPTION(job_op, bandwidth, &gl_integer, "MiB/s at most; 0: no limit"),
  GL_OPTION_FLAG("bandwidth_bytes", VIR_DOMAIN_BLOCK_REBASE_BANDWIDTH_BYTES, "bandwidth is in bytes/s (not in the reference)"),
  GL_END,
};

static int rebase_run(gl_op *op)
{
  job_op *self = (job_op *)op;
  return hear(op) < 0 ? -1 : virDomainBlockRebase(gl_op_domain(op), op->part, self->base, (unsigned long)self->bandwidth, op->args.flags);
}
static const gl_opdef rebase_def = {
  .name = "rebase",
  .call = "virDomainBlockRebase",
  .help =
    "Starts pulling data from the backing chain into the disk's image, or, with `copy`, copying the disk. disk:await_job() waits for the end. "
    "After a pull keep the images that were below until the guest has flushed the disk: QEMU has not written all before.",
  .result = {"integer"},
  .params = rebase_params,
  .size = sizeof(job_op),
  .run = rebase_run,
  GL_CHANGE,
  .push = job_push,
  .release = job_release,
};

static const gl_param copy_params[] = {
  GL_ARG(job_op, dest_xml, &gl_xml, "the destination, a <disk> element"),
  GL_OPTION_FLAG("shallow", VIR_DOMAIN_BLOCK_COPY_SHALLOW, "copy only the top of the chain"),
  GL_OPTION_FLAG("reuse_ext", VIR_DOMAIN_BLOCK_COPY_REUSE_EXT, "the destination's file exists already"),
  GL_OPTION_FLAG("transient", VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB,
                 "allowed for a persistent guest too; the job is lost when the guest stops"),
  GL_OPTION_FLAG("synchronous_writes", VIR_DOMAIN_BLOCK_COPY_SYNCHRONOUS_WRITES,
                 "what the guest writes goes to both at once, so that the copy gets ready however much that is (not in the reference)"),
  GL_OPTION_UP_TO(job_op, bandwidth, LLONG_MAX >> 20, "MiB/s at most; 0: no limit"),
  GL_OPTION_UP_TO(job_op, granularity, UINT_MAX,
                  "bytes that are copied again if one of them was written, a power of 2 (not in the reference)"),
  GL_OPTION(job_op, buf_size, &gl_integer, "bytes that may be under way at once (not in the reference)"),
  GL_END,
};

static int copy_run(gl_op *op)
{
  job_op *self = (job_op *)op;
  int room = 0;
  if (self->bandwidth && virTypedParamsAddULLong(&self->params, &self->params_count, &room, VIR_DOMAIN_BLOCK_COPY_BANDWIDTH,
                                                 (unsigned long long)self->bandwidth << 20) < 0)
    return -1;
  if (self->granularity &&
      virTypedParamsAddUInt(&self->params, &self->params_count, &room, VIR_DOMAIN_BLOCK_COPY_GRANULARITY, (unsigned)self->granularity) < 0)
    return -1;
  if (self->buf_size && virTypedParamsAddULLong(&self->params, &self->params_count, &room, VIR_DOMAIN_BLOCK_COPY_BUF_SIZE,
                                                (unsigned long long)self->buf_size) < 0)
    return -1;
  return hear(op) < 0 ? -1
                      : virDomainBlockCopy(gl_op_domain(op), op->part, self->dest_xml, self->params, self->params_count, op->args.flags);
}

static const gl_opdef copy_def = {
  .name = "copy",
  .call = "virDomainBlockCopy",
  .help =
    "Starts copying the disk elsewhere. The job becomes ready and continues until abort_job: with pivot the guest switches to the copy.",
  .result = {"integer"},
  .params = copy_params,
  .size = sizeof(job_op),
  .run = copy_run,
  GL_CHANGE,
  .push = job_push,
  .release = job_release,
};

static int job_events_push(lua_State *L, gl_op *op)
{
  gl_block_device *disk = lua_touserdata(L, 1);
  if (disk->events) {
    gl_sub_push(L, op, &disk->events);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, GL_DISK_EVENTS);
    return 1;
  }
  lua_getiuservalue(L, 1, GL_DISK_EVENTS);
  gl_object *events = lua_touserdata(L, -1);
  if (events && events->closed)
    lua_pushnil(L);
  return 1;
}
static const gl_opdef job_events_def = {
  .name = "job_events",
  .help = "The subscription that await_job waits on: the guest's events \"block_job_2\" since just before the start of the last job.",
  .result = {"Subscription?"},
  .returns = "Subscription; nil if no job was started on this object, or await_job has seen its end",
  .run = gl_run_nothing,
  .push = job_events_push,
  .memory = true,
  .lane = GL_LANE_BESIDE,
};

const gl_opdef *const gl_block_device_start_ops[] = {&commit_def, &rebase_def, &copy_def, &job_events_def, NULL};
