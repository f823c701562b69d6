/* Statistics of guests: of all of a Host's in one call, or of one. */
#include "virt/guest/stats.h"

#include <lauxlib.h>

#include "call/push.h"
#include "virt/guest/object.h"
#include "virt/object/generated.h"

typedef struct stats_op {
  gl_op op;
  long long types;
  virDomainStatsRecordPtr *records;
} stats_op;

/* clang-format off */
#define TYPES                                                                                                                           \
  GL_OPTION_FLAGS(stats_op, types, &gl_enum_virDomainStatsTypes_bits, "what is asked for, as {\"cpu_total\", \"block\"}; nil: all"), \
  GL_OPTION_FLAG("nowait", VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT, "leave out what a guest that is busy does not say at once"),     \
  GL_OPTION_FLAG("backing", VIR_CONNECT_GET_ALL_DOMAINS_STATS_BACKING, "of all images of a disk, and not only of the top one"),       \
  GL_OPTION_FLAG("enforce_stats", VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS, "fail if something cannot be said")
/* clang-format on */

static const gl_param all_params[] = {
  TYPES,
  GL_OPTION_CHOICE("active", VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE, VIR_CONNECT_GET_ALL_DOMAINS_STATS_INACTIVE,
                   "only those that run, or only those that do not"),
  GL_OPTION_CHOICE("persistent", VIR_CONNECT_GET_ALL_DOMAINS_STATS_PERSISTENT, VIR_CONNECT_GET_ALL_DOMAINS_STATS_TRANSIENT,
                   "only those with a persistent configuration, or only those without"),
  GL_OPTION_FLAG("running", VIR_CONNECT_GET_ALL_DOMAINS_STATS_RUNNING, "those that run"),
  GL_OPTION_FLAG("paused", VIR_CONNECT_GET_ALL_DOMAINS_STATS_PAUSED, "those that are paused"),
  GL_OPTION_FLAG("shutoff", VIR_CONNECT_GET_ALL_DOMAINS_STATS_SHUTOFF, "those that are off"),
  GL_OPTION_FLAG("other", VIR_CONNECT_GET_ALL_DOMAINS_STATS_OTHER, "those in another state"),
  GL_END,
};

static int all_run(gl_op *op)
{
  stats_op *self = (stats_op *)op;
  return virConnectGetAllDomainStats(gl_op_connect(op), (unsigned)self->types, &self->records, op->args.flags);
}

static int all_push(lua_State *L, gl_op *op)
{
  const stats_op *self = (stats_op *)op;
  lua_createtable(L, op->rc, 0);
  for (int i = 0; i < op->rc; i++) {
    virDomainPtr dom = self->records[i]->dom;
    virDomainRef(dom); /* the record's own is freed with it */
    lua_createtable(L, 0, 2);
    gl_guest_push(L, op->connection, 1, &dom);
    lua_setfield(L, -2, "guest");
    gl_push_params(L, self->records[i]->params, self->records[i]->nparams);
    lua_setfield(L, -2, "stats");
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static int by_name_push(lua_State *L, gl_op *op)
{
  const stats_op *self = (stats_op *)op;
  lua_createtable(L, 0, op->rc);
  for (int i = 0; i < op->rc; i++) {
    gl_push_params(L, self->records[i]->params, self->records[i]->nparams);
    lua_setfield(L, -2, virDomainGetName(self->records[i]->dom));
  }
  return 1;
}

static void stats_release(gl_op *op)
{
  stats_op *self = (stats_op *)op;
  if (self->records)
    virDomainStatsRecordListFree(self->records);
}
static const gl_result_field domain_stats_fields[] = {
  {"guest", "Guest", "the guest"},
  {"stats", "table<string, any>", "values by libvirt's names, as in \"cpu.time\""},
  {NULL, NULL, NULL},
};
static const gl_opdef get_all_domain_stats_def = {
  .name = "get_all_domain_stats",
  .call = "virConnectGetAllDomainStats",
  .help = "The statistics of all guests, in one call.",
  .result = {"table[]"},
  .fields = domain_stats_fields,
  .params = all_params,
  .size = sizeof(stats_op),
  .run = all_run,
  .push = all_push,
  .release = stats_release,
  .lane = GL_LANE_BESIDE,
};
static const gl_opdef stats_def = {
  .name = "stats",
  .call = "virConnectGetAllDomainStats",
  .help = "The statistics of all guests, in one call, by the names of the guests: host:stats().web[\"cpu.time\"].",
  .result = {"table<string,table<string,any>>"},
  .returns = "by the name of a guest, a table of libvirt's names, as in \"cpu.time\" and \"block.0.rd.bytes\"",
  .params = all_params,
  .size = sizeof(stats_op),
  .run = all_run,
  .push = by_name_push,
  .release = stats_release,
  .lane = GL_LANE_BESIDE,
};
const gl_opdef *const gl_host_stats_ops[] = {&get_all_domain_stats_def, &stats_def, NULL};

/* ---- of one guest ---- */

static const gl_param one_params[] = {TYPES, GL_END};

static int one_run(gl_op *op)
{
  stats_op *self = (stats_op *)op;
  virDomainPtr domains[] = {gl_op_domain(op), NULL};
  return virDomainListGetStats(domains, (unsigned)self->types, &self->records, op->args.flags);
}

static int one_push(lua_State *L, gl_op *op)
{
  const stats_op *self = (stats_op *)op;
  if (op->rc > 0)
    gl_push_params(L, self->records[0]->params, self->records[0]->nparams);
  else
    lua_newtable(L);
  return 1;
}
static const gl_opdef get_stats_def = {
  .name = "get_stats",
  .call = "virDomainListGetStats",
  .help = "The guest's statistics, all in one call. guest:stats() is the same.",
  .result = {"table<string,any>"},
  .returns = "values by libvirt's names, as in \"cpu.time\" and \"block.0.rd.bytes\"",
  .params = one_params,
  .size = sizeof(stats_op),
  .run = one_run,
  .push = one_push,
  .release = stats_release,
  .lane = GL_LANE_BESIDE,
};
static const gl_opdef one_stats_def = {
  .name = "stats",
  .call = "virDomainListGetStats",
  .help = "The guest's statistics, all in one call.",
  .result = {"table<string,any>"},
  .returns = "values by libvirt's names, as in \"cpu.time\" and \"block.0.rd.bytes\"",
  .params = one_params,
  .size = sizeof(stats_op),
  .run = one_run,
  .push = one_push,
  .release = stats_release,
  .lane = GL_LANE_BESIDE,
};
const gl_opdef *const gl_domain_stats_ops[] = {&get_stats_def, &one_stats_def, NULL};
