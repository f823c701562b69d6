/* BlockDevice: its size and its counters. */
#include <lauxlib.h>

#include "virt/disk/rows.h"

typedef struct resize_op {
  gl_op op;
  long long size;
} resize_op;

static const gl_param resize_params[] = {
  GL_ARG(resize_op, size, &gl_integer, "the new size in bytes"),
#if LIBVIR_VERSION_NUMBER >= 10000000
  GL_OPTION_FLAG(
    "capacity", VIR_DOMAIN_BLOCK_RESIZE_CAPACITY,
    "to the size that the disk's block device has by now; `size` is 0, or what that is to be (libvirt 10.0; not in the reference)"),
#endif
  GL_END,
};

static int resize_run(gl_op *op)
{
  return virDomainBlockResize(gl_op_domain(op), op->part, (unsigned long long)((resize_op *)op)->size,
                              op->args.flags | VIR_DOMAIN_BLOCK_RESIZE_BYTES);
}
static const gl_opdef resize_def = {
  .name = "resize",
  .call = "virDomainBlockResize",
  .help = "Changes the size of the disk while the guest runs.",
  .params = resize_params,
  .size = sizeof(resize_op),
  .run = resize_run,
  GL_CHANGE,
};

typedef struct stats_op {
  gl_op op;
  virDomainBlockStatsStruct stats;
} stats_op;

static int block_stats_run(gl_op *op)
{
  return virDomainBlockStats(gl_op_domain(op), op->part, &((stats_op *)op)->stats, sizeof(virDomainBlockStatsStruct));
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
    .name = name_, .call = "virDomainBlockStats", .help = "The disk's I/O counters since the guest started.",                           \
    .result = {"integer rd_req", "integer rd_bytes", "integer wr_req", "integer wr_bytes", "integer errs"},                             \
    .returns = "five integers: rd_req, rd_bytes, wr_req, wr_bytes, errs; -1 if the driver does not count it", .size = sizeof(stats_op), \
    .run = block_stats_run, .push = block_stats_push                                                                                    \
  }
static const gl_opdef block_stats_def = BLOCK_STATS("block_stats");
static const gl_opdef blockStats_def = BLOCK_STATS("blockStats");

const gl_opdef *const gl_block_device_size_ops[] = {&resize_def, &block_stats_def, &blockStats_def, NULL};
