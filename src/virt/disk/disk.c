/* BlockDevice: one disk of a guest, and the job on it. */
#include "virt/disk/disk.h"

#include <lauxlib.h>
#include <libvirt/virterror.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "event/event.h"
#include "text/xml.h"
#include "virt/guest/guest.h"

/* The user values of a BlockDevice: its Guest, and the Subscription to the events of the job that was started last. */
enum { GUEST = 1, EVENTS = 2 };

/* Holds nothing of libvirt's itself, and is of no use once the guest is closed. */
typedef struct block_device {
  gl_object object;
  gl_object *guest;
  char disk[];
} block_device;

static void block_device_bind(lua_State *L, gl_object *self, gl_op *op)
{
  block_device *b = (block_device *)self;
  if (b->guest->closed)
    gl_error_throw(L, "closed", "%s: the Guest of disk '%s' is closed", op->def->name, b->disk);
  gl_guest_bind(L, b->guest, op);
  op->disk = b->disk;
}

static int block_device_tostring(lua_State *L)
{
  block_device *b = (block_device *)gl_object_test(L, 1, &gl_block_device_class);
  bool open = b && !b->object.closed && !b->guest->closed;
  if (open)
    lua_pushfstring(L, "<BlockDevice %s of %s>", b->disk, virDomainGetName(gl_guest_domain(b->guest)));
  else
    lua_pushliteral(L, "<BlockDevice (closed)>");
  return 1;
}

/* ---- Guest.get_block_device ---- */

typedef struct get_block_device_op {
  gl_op op;
  const char *disk;
} get_block_device_op;

static const gl_param get_block_device_params[] = {
  GL_ARG(get_block_device_op, disk, GL_STRING, "the disk's target, as in \"vda\", or the path of its source"),
  GL_END,
};

static int get_block_device_push(lua_State *L, gl_op *op)
{
  const char *disk = ((get_block_device_op *)op)->disk;
  if (!*disk)
    gl_error_argument(L, "get_block_device", "disk", "the name of a disk expected, got an empty string");
  block_device *b = gl_object_new(L, &gl_block_device_class, sizeof *b + strlen(disk) + 1, EVENTS);
  b->guest = lua_touserdata(L, 1);
  strcpy(b->disk, disk);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, GUEST);
  gl_object_adopt(L, &b->object, op->host);
  return 1;
}
const gl_opdef gl_get_block_device = {
  .name = "get_block_device",
  .help = "One disk of the guest. Whether the guest has such a disk is not looked at here: the first call on it tells.",
  .returns = "BlockDevice",
  .params = get_block_device_params,
  .size = sizeof(get_block_device_op),
  .run = gl_run_nothing,
  .push = get_block_device_push,
  .memory = true,
};

/* ---- fields ---- */

static int name_push(lua_State *L, gl_op *op)
{
  lua_pushstring(L, op->disk);
  return 1;
}
static const gl_opdef name_def = {
  .name = "name",
  .help = "What get_block_device was called with.",
  .returns = "string",
  .run = gl_run_nothing,
  .push = name_push,
  .memory = true,
};

static int guest_push(lua_State *L, gl_op *op)
{
  (void)op;
  lua_getiuservalue(L, 1, GUEST);
  return 1;
}
static const gl_opdef guest_def = {
  .name = "guest",
  .help = "The guest whose disk it is.",
  .returns = "Guest",
  .run = gl_run_nothing,
  .push = guest_push,
  .memory = true,
};

/* ---- jobs ---- */

typedef struct job_op {
  gl_op op;
  const char *base, *top, *dest_xml;
  long long bandwidth; /* MiB/s, 0: unlimited */
  virTypedParameterPtr params;
  int params_count;
  gl_sub *events;
} job_op;

/* What starts a job hears of its events from before the call on, or await_job might miss the end of a quick one. Any thread. */
static int hear(gl_op *op)
{
  return gl_sub_register(op, 1LL << VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2, &((job_op *)op)->events);
}

/* The subscription becomes the BlockDevice's; one to an earlier job ends. */
static int job_push(lua_State *L, gl_op *op)
{
  if (lua_getiuservalue(L, 1, EVENTS) != LUA_TNIL)
    gl_object_close(lua_touserdata(L, -1));
  gl_sub_push(L, op, &((job_op *)op)->events);
  lua_setiuservalue(L, 1, EVENTS);
  return gl_push_integer(L, op);
}

static void job_release(gl_op *op)
{
  virTypedParamsFree(((job_op *)op)->params, ((job_op *)op)->params_count);
  gl_sub_drop(((job_op *)op)->events);
}

static const gl_param commit_params[] = {
  GL_ARG_OR_NIL(job_op, base, GL_STRING, "the image to merge into, a path or \"vda[1]\"; nil: the bottom of the chain"),
  GL_ARG_OR_NIL(job_op, top, GL_STRING, "the topmost image to merge; nil: the active one, which needs `active`"),
  GL_OPTION_FLAG("relative", VIR_DOMAIN_BLOCK_COMMIT_RELATIVE, "keep the backing chain referenced by relative names"),
  GL_OPTION_FLAG("active", VIR_DOMAIN_BLOCK_COMMIT_ACTIVE,
                 "merge the image that the guest writes to: the job gets ready and goes on until abort_job{pivot=true}"),
  GL_OPTION_FLAG("shallow", VIR_DOMAIN_BLOCK_COMMIT_SHALLOW, "base nil: merge into the image right below `top`"),
  GL_OPTION_FLAG("delete", VIR_DOMAIN_BLOCK_COMMIT_DELETE, "delete the images that were merged"),
  GL_OPTION(job_op, bandwidth, GL_INTEGER, "MiB/s at most; 0: no limit"),
  GL_END,
};

static int commit_run(gl_op *op)
{
  job_op *self = (job_op *)op;
  return hear(op) < 0 ? -1 : virDomainBlockCommit(op->dom, op->disk, self->base, self->top, (unsigned long)self->bandwidth, op->flags);
}
static const gl_opdef commit_def = {
  .name = "commit",
  .call = "virDomainBlockCommit",
  .help = "Starts to merge images of the disk's backing chain downwards. disk:await_job() waits for the end.",
  .returns = "0",
  .params = commit_params,
  .size = sizeof(job_op),
  .run = commit_run,
  .changes = true,
  .push = job_push,
  .release = job_release,
};

static const gl_param rebase_params[] = {
  GL_ARG_OR_NIL(job_op, base, GL_STRING, "the image that becomes the backing file, or the destination with `copy`; nil: pull everything"),
  GL_OPTION_FLAG("shallow", VIR_DOMAIN_BLOCK_REBASE_SHALLOW, "copy only the top of the chain"),
  GL_OPTION_FLAG("reuse_ext", VIR_DOMAIN_BLOCK_REBASE_REUSE_EXT, "the destination's file exists already"),
  GL_OPTION_FLAG("copy", VIR_DOMAIN_BLOCK_REBASE_COPY, "start a copy to `base`"),
  GL_OPTION_FLAG("relative", VIR_DOMAIN_BLOCK_REBASE_RELATIVE, "keep the backing chain referenced by relative names"),
  GL_OPTION_FLAG("copy_dev", VIR_DOMAIN_BLOCK_REBASE_COPY_DEV, "the destination is a block device"),
  GL_OPTION(job_op, bandwidth, GL_INTEGER, "MiB/s at most; 0: no limit"),
  GL_END,
};

static int rebase_run(gl_op *op)
{
  job_op *self = (job_op *)op;
  return hear(op) < 0 ? -1 : virDomainBlockRebase(op->dom, op->disk, self->base, (unsigned long)self->bandwidth, op->flags);
}
static const gl_opdef rebase_def = {
  .name = "rebase",
  .call = "virDomainBlockRebase",
  .help = "Starts to pull data from the backing chain into the disk's image, or, with `copy`, to copy the disk. disk:await_job() waits.",
  .returns = "0",
  .params = rebase_params,
  .size = sizeof(job_op),
  .run = rebase_run,
  .changes = true,
  .push = job_push,
  .release = job_release,
};

static const gl_param copy_params[] = {
  GL_ARG(job_op, dest_xml, GL_XML, "where to, a <disk> element"),
  GL_OPTION_FLAG("shallow", VIR_DOMAIN_BLOCK_COPY_SHALLOW, "copy only the top of the chain"),
  GL_OPTION_FLAG("reuse_ext", VIR_DOMAIN_BLOCK_COPY_REUSE_EXT, "the destination's file exists already"),
  GL_OPTION_FLAG("transient", VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB,
                 "allowed for a persistent guest too; the job is lost when the guest stops"),
  GL_OPTION_UP_TO(job_op, bandwidth, LLONG_MAX >> 20, "MiB/s at most; 0: no limit"),
  GL_END,
};

static int copy_run(gl_op *op)
{
  job_op *self = (job_op *)op;
  int room = 0;
  if (self->bandwidth && virTypedParamsAddULLong(&self->params, &self->params_count, &room, VIR_DOMAIN_BLOCK_COPY_BANDWIDTH,
                                                 (unsigned long long)self->bandwidth << 20) < 0)
    return -1;
  return hear(op) < 0 ? -1 : virDomainBlockCopy(op->dom, op->disk, self->dest_xml, self->params, self->params_count, op->flags);
}

static const gl_opdef copy_def = {
  .name = "copy",
  .call = "virDomainBlockCopy",
  .help = "Starts to copy the disk elsewhere. The job gets ready and goes on until abort_job: with pivot the guest moves to the copy.",
  .returns = "0",
  .params = copy_params,
  .size = sizeof(job_op),
  .run = copy_run,
  .changes = true,
  .push = job_push,
  .release = job_release,
};

static int job_events_push(lua_State *L, gl_op *op)
{
  (void)op;
  lua_getiuservalue(L, 1, EVENTS);
  gl_object *events = lua_touserdata(L, -1);
  if (events && events->closed)
    lua_pushnil(L);
  return 1;
}
static const gl_opdef job_events_def = {
  .name = "job_events",
  .help = "What await_job waits for: the events \"block_job_2\" of the guest from before the start of the last job on.",
  .returns = "Subscription; nil where no job was started with this object, or await_job has seen its end",
  .run = gl_run_nothing,
  .push = job_events_push,
  .memory = true,
  .lane = GL_LANE_BESIDE,
};

static const gl_param abort_job_params[] = {
  GL_OPTION_FLAG("async", VIR_DOMAIN_BLOCK_JOB_ABORT_ASYNC, "ask for it and do not wait"),
  GL_OPTION_FLAG("pivot", VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT,
                 "end a copy or an active commit that is ready by moving the guest to the new image"),
  GL_END,
};

static int abort_job_run(gl_op *op)
{
  return virDomainBlockJobAbort(op->dom, op->disk, op->flags);
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

/* rc: 1, or 0 where there is no job */
static int get_job_info_run(gl_op *op)
{
  return virDomainGetBlockJobInfo(op->dom, op->disk, &((job_info_op *)op)->info, 0);
}

static int get_job_info_push(lua_State *L, gl_op *op)
{
  const virDomainBlockJobInfo *info = &((job_info_op *)op)->info;
  if (op->rc == 0) {
    lua_pushnil(L);
    return 1;
  }
  lua_createtable(L, 0, 5);
  lua_pushinteger(L, info->type);
  lua_setfield(L, -2, "job");
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
static const gl_opdef get_job_info_def = {
  .name = "get_job_info",
  .call = "virDomainGetBlockJobInfo",
  .help = "How far the job on the disk is. cur == end does not mean that it is ready: is_job_complete and await_job know.",
  .returns =
    "a table: job (the type's number: guestlua.block_job_type names it), bandwidth (MiB/s), cur, end (also end_, which Lua can write "
    "as info.end_); nil where there is no job",
  .size = sizeof(job_info_op),
  .run = get_job_info_run,
  .push = get_job_info_push,
  .quick = true,
  .lane = GL_LANE_BESIDE,
};

/* Sets `ready` from the disk's <mirror>; a disk that is not there has none. */
static int find_mirror(job_info_op *self)
{
  char message[256];
  char *text = virDomainGetXMLDesc(self->op.dom, 0);
  if (!text)
    return -1;
  xmlDocPtr doc = gl_xml_parse(text, strlen(text), message, sizeof message);
  free(text);
  if (!doc)
    return -1;
  self->ready = gl_xml_attribute_is(gl_xml_child(gl_xml_disk(doc, self->op.disk), "mirror"), "ready", "yes");
  xmlFreeDoc(doc);
  return 1;
}

static int is_job_complete_run(gl_op *op)
{
  job_info_op *self = (job_info_op *)op;
  int rc = get_job_info_run(op);
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
  .help = "Whether the disk has no job (any more), or one whose mirror is ready for the pivot. One look: it does not wait, and cannot tell "
          "success from failure; await_job does both.",
  .returns = "boolean: true means finished",
  .size = sizeof(job_info_op),
  .run = is_job_complete_run,
  .push = is_job_complete_push,
  .quick = true,
  .lane = GL_LANE_BESIDE,
};

/* Options that no call of libvirt's has. */
#define ABORT_ON_ERROR 1
#define WAIT_FOR_JOB_CLEAN 2

static const gl_param wait_for_job_params[] = {
  GL_OPTION_FLAG("abort_on_error", ABORT_ON_ERROR, "taken for the reference's sake: an error is raised in any case"),
  GL_OPTION_FLAG("wait_for_job_clean", WAIT_FOR_JOB_CLEAN, "count the job as running until libvirt has cleaned it up"),
  GL_END,
};

static int wait_for_job_push(lua_State *L, gl_op *op)
{
  const virDomainBlockJobInfo *info = &((job_info_op *)op)->info; /* all 0 where there is no job */
  lua_pushboolean(L, op->flags & WAIT_FOR_JOB_CLEAN ? info->type != 0 : info->cur != info->end);
  return 1;
}
static const gl_opdef wait_for_job_def = {
  .name = "wait_for_job",
  .call = "virDomainGetBlockJobInfo",
  .help = "The reference's older question: despite its name one look, and true means that the job still runs. await_job is what waits.",
  .returns = "boolean: true means still running",
  .params = wait_for_job_params,
  .size = sizeof(job_info_op),
  .run = get_job_info_run,
  .push = wait_for_job_push,
  .quick = true,
};

/* ---- size and statistics ---- */

typedef struct resize_op {
  gl_op op;
  long long size;
} resize_op;

static const gl_param resize_params[] = {
  GL_ARG(resize_op, size, GL_INTEGER, "the new size in bytes"),
  GL_END,
};

static int resize_run(gl_op *op)
{
  return virDomainBlockResize(op->dom, op->disk, (unsigned long long)((resize_op *)op)->size, VIR_DOMAIN_BLOCK_RESIZE_BYTES);
}
static const gl_opdef resize_def = {
  .name = "resize",
  .call = "virDomainBlockResize",
  .help = "Changes the size of the disk while the guest runs.",
  .params = resize_params,
  .size = sizeof(resize_op),
  .run = resize_run,
  .changes = true,
};

typedef struct stats_op {
  gl_op op;
  virDomainBlockStatsStruct stats;
} stats_op;

static int block_stats_run(gl_op *op)
{
  return virDomainBlockStats(op->dom, op->disk, &((stats_op *)op)->stats, sizeof(virDomainBlockStatsStruct));
}

static int block_stats_push(lua_State *L, gl_op *op)
{
  const virDomainBlockStatsStruct *stats = &((stats_op *)op)->stats;
  lua_pushinteger(L, stats->rd_req);
  lua_pushinteger(L, stats->rd_bytes);
  lua_pushinteger(L, stats->wr_req);
  lua_pushinteger(L, stats->wr_bytes);
  lua_pushinteger(L, stats->errs);
  return 5;
}

#define BLOCK_STATS(name_)                                                                                                              \
  {                                                                                                                                     \
    .name = name_, .call = "virDomainBlockStats", .help = "What went over the disk since the guest started.",                           \
    .returns = "five integers: rd_req, rd_bytes, wr_req, wr_bytes, errs; -1 where the driver does not count", .size = sizeof(stats_op), \
    .run = block_stats_run, .push = block_stats_push                                                                                    \
  }
static const gl_opdef block_stats_def = BLOCK_STATS("block_stats");
static const gl_opdef blockStats_def = BLOCK_STATS("blockStats");

static const gl_opdef *const methods[] = {
  &commit_def,          &rebase_def,       &copy_def,   &abort_job_def,   &job_events_def, &get_job_info_def,
  &is_job_complete_def, &wait_for_job_def, &resize_def, &block_stats_def, &blockStats_def, NULL,
};

static const gl_opdef *const fields[] = {&name_def, &guest_def, NULL};

static const gl_opdef *const *const ops[] = {methods, gl_disk_info_ops, NULL};

const gl_class gl_block_device_class = {
  .name = "BlockDevice",
  .help = "One disk of a guest, and the job that runs on it: guest:get_block_device makes one. Keep it from the start of a job to its end: "
          "await_job hears of jobs that were started on the same object.",
  .ops = ops,
  .fields = fields,
  .bind = block_device_bind,
  .tostring = block_device_tostring,
};
