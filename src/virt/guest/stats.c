/* Statistics of guests: of all of a Host's in one call, or of one. */
#include "virt/guest/stats.h"

#include <lauxlib.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/error.h"
#include "call/push.h"
#include "virt/guest/nested.h"
#include "virt/guest/object.h"
#include "virt/object/generated.h"

typedef struct stats_op {
  gl_op op;
  long long types;
  virDomainStatsRecordPtr *records;
  long long groups;    /* the same as types, by the words that the answer is nested by */
  char **guests;       /* the names of those that are asked; NULL: all */
  virDomainPtr *asked; /* they themselves */
  virDomainPtr given;  /* one on its way to Lua */
  char *why;           /* it failed */
  uint64_t at;         /* when the answer came, in ns */
} stats_op;

/* By the bits of virDomainStatsTypes. */
static const char *const group_names[] = {"state", "cpu",      "balloon", "vcpu",      "interface", "block",
                                          "perf",  "iothread", "memory",  "dirtyrate", "vm"};
static const gl_enum groups = GL_ENUM("group of statistics", group_names);

/* clang-format off */
#define TYPES GL_OPTION_FLAGS(stats_op, types, &gl_enum_virDomainStatsTypes_bits, "what is asked for, as {\"cpu_total\", \"block\"}; nil: all")
#define GROUPS GL_OPTION_FLAGS(stats_op, groups, &groups, "what is asked for, as {\"cpu\", \"block\"}; nil: all")
#define HOW                                                                                                                         \
  GL_OPTION_FLAG("nowait", VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT, "leave out what a guest that is busy does not say at once"),    \
  GL_OPTION_FLAG("backing", VIR_CONNECT_GET_ALL_DOMAINS_STATS_BACKING, "of all images of a disk, and not only of the top one"),      \
  GL_OPTION_FLAG("enforce_stats", VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS, "fail if something cannot be said")
#define WHICH                                                                                                                       \
  GL_OPTION_CHOICE("active", VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE, VIR_CONNECT_GET_ALL_DOMAINS_STATS_INACTIVE,                   \
                   "only those that run, or only those that do not"),                                                               \
  GL_OPTION_CHOICE("persistent", VIR_CONNECT_GET_ALL_DOMAINS_STATS_PERSISTENT, VIR_CONNECT_GET_ALL_DOMAINS_STATS_TRANSIENT,          \
                   "only those with a persistent configuration, or only those without"),                                            \
  GL_OPTION_FLAG("running", VIR_CONNECT_GET_ALL_DOMAINS_STATS_RUNNING, "those that run"),                                            \
  GL_OPTION_FLAG("paused", VIR_CONNECT_GET_ALL_DOMAINS_STATS_PAUSED, "those that are paused"),                                       \
  GL_OPTION_FLAG("shutoff", VIR_CONNECT_GET_ALL_DOMAINS_STATS_SHUTOFF, "those that are off"),                                        \
  GL_OPTION_FLAG("other", VIR_CONNECT_GET_ALL_DOMAINS_STATS_OTHER, "those in another state")
/* clang-format on */

static const gl_param all_params[] = {TYPES, HOW, WHICH, GL_END};

static int all_run(gl_op *op)
{
  stats_op *self = (stats_op *)op;
  return virConnectGetAllDomainStats(gl_op_connect(op), (unsigned)self->types, &self->records, op->args.flags);
}

static int all_push(lua_State *L, gl_op *op)
{
  stats_op *self = (stats_op *)op;
  lua_createtable(L, op->rc, 0);
  for (int i = 0; i < op->rc; i++) {
    lua_createtable(L, 0, 2);
    virDomainRef(self->records[i]->dom); /* the record's own is freed with it */
    self->given = self->records[i]->dom;
    gl_guest_push(L, op->connection, 1, &self->given);
    lua_setfield(L, -2, "guest");
    gl_push_params(L, self->records[i]->params, self->records[i]->nparams);
    lua_setfield(L, -2, "stats");
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static void stats_release(gl_op *op)
{
  stats_op *self = (stats_op *)op;
  if (self->given)
    virDomainFree(self->given);
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

/* ---- nested ---- */

/* Makes the table on top of the stack one that knows when it was true, and whether it is of many guests: guestlua.rates goes by its
 * metatable.
 * [-0, +0, m] */
static void set_time(lua_State *L, const stats_op *self, bool guests)
{
  lua_createtable(L, 0, 2);
  lua_pushnumber(L, (lua_Number)self->at / 1e9);
  lua_setfield(L, -2, "at");
  lua_pushboolean(L, guests);
  lua_setfield(L, -2, "guests");
  lua_setmetatable(L, -2);
}

static const gl_param nested_params[] = {GL_OPTION(stats_op, guests, &gl_strings, "the names of the guests that are asked; nil: all"),
                                         GROUPS, HOW, WHICH, GL_END};

static void check_nested(lua_State *L, gl_op *op)
{
  const stats_op *self = (stats_op *)op;
  unsigned how =
    VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT | VIR_CONNECT_GET_ALL_DOMAINS_STATS_BACKING | VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS;
  if (self->guests && op->args.flags & ~how)
    gl_error_argument(L, op->def->name, "guests", "what picks guests, as active, does not go with their names");
}

/* The one that is missing is named, which libvirt's drivers do not all do. */
static int missing(stats_op *self, const char *name)
{
  static const char text[] = "there is no guest '%s'";
  size_t size = sizeof text + strlen(name);
  if (virGetLastErrorCode() != VIR_ERR_NO_DOMAIN || !(self->why = malloc(size)))
    return -1;
  snprintf(self->why, size, text, name);
  return gl_op_fail(&self->op, "no_domain", self->why);
}

/* Those that are named, in one call; a name that no guest has is an error. */
static int named_run(stats_op *self)
{
  gl_op *op = &self->op;
  size_t count = 0;
  while (self->guests[count])
    count++;
  self->asked = calloc(count + 1, sizeof(virDomainPtr));
  if (!self->asked)
    return gl_op_fail(op, "no_memory", "out of memory");
  for (size_t i = 0; i < count; i++)
    if (!(self->asked[i] = virDomainLookupByName(gl_op_connect(op), self->guests[i])))
      return missing(self, self->guests[i]);
  return count ? virDomainListGetStats(self->asked, (unsigned)self->groups, &self->records, op->args.flags) : 0;
}

static int nested_run(gl_op *op)
{
  stats_op *self = (stats_op *)op;
  int rc =
    self->guests ? named_run(self) : virConnectGetAllDomainStats(gl_op_connect(op), (unsigned)self->groups, &self->records, op->args.flags);
  self->at = uv_hrtime();
  return rc;
}

static void free_records(void *records)
{
  virDomainStatsRecordListFree(records);
}

/* To free the answer of many guests takes longer than what is done with it here: the script goes on meanwhile. */
enum { MANY = 50 };

static int nested_push(lua_State *L, gl_op *op)
{
  stats_op *self = (stats_op *)op;
  gl_nested nested;
  lua_createtable(L, 0, op->rc);
  gl_nested_begin(L, &nested);
  for (int i = 0; i < op->rc; i++) {
    gl_nested_push(L, &nested, self->records[i]->params, self->records[i]->nparams);
    lua_setfield(L, -3, virDomainGetName(self->records[i]->dom));
  }
  lua_pop(L, 1);
  set_time(L, self, true);
  if (op->rc >= MANY) {
    gl_work_discard(op->state, free_records, self->records);
    self->records = NULL;
  }
  return 1;
}

static void nested_release(gl_op *op)
{
  stats_op *self = (stats_op *)op;
  for (size_t i = 0; self->asked && self->asked[i]; i++)
    virDomainFree(self->asked[i]);
  free(self->asked);
  free(self->why);
  stats_release(op);
}
static const gl_opdef stats_def = {
  .name = "stats",
  .call = "virConnectGetAllDomainStats",
  .help =
    "The statistics of all guests, in one call, or of those that are named: host:stats().web.cpu.time. guestlua.rates makes rates of two of them.",
  .result = {"table<string,table<string,any>>"},
  .returns = "by the name of a guest, its statistics by libvirt's names, a table for each dot in them: \"block.0.rd.bytes\" is "
             "block[0].rd.bytes, and numbers count from 0 as libvirt's do",
  .params = nested_params,
  .size = sizeof(stats_op),
  .check = check_nested,
  .run = nested_run,
  .push = nested_push,
  .release = nested_release,
  .lane = GL_LANE_BESIDE,
};
const gl_opdef *const gl_host_stats_ops[] = {&get_all_domain_stats_def, &stats_def, NULL};

/* ---- of one guest ---- */

static const gl_param one_params[] = {TYPES, HOW, GL_END}, one_nested_params[] = {GROUPS, HOW, GL_END};

static int one_run(gl_op *op)
{
  stats_op *self = (stats_op *)op;
  virDomainPtr domains[] = {gl_op_domain(op), NULL};
  return virDomainListGetStats(domains, (unsigned)(self->types | self->groups), &self->records, op->args.flags);
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
  .help = "The guest's statistics, all in one call. guest:stats() has them nested.",
  .result = {"table<string,any>"},
  .returns = "values by libvirt's names, as in \"cpu.time\" and \"block.0.rd.bytes\"",
  .params = one_params,
  .size = sizeof(stats_op),
  .run = one_run,
  .push = one_push,
  .release = stats_release,
  .lane = GL_LANE_BESIDE,
};

static int one_nested_run(gl_op *op)
{
  int rc = one_run(op);
  ((stats_op *)op)->at = uv_hrtime();
  return rc;
}

static int one_nested_push(lua_State *L, gl_op *op)
{
  const stats_op *self = (stats_op *)op;
  if (op->rc > 0)
    gl_nested_push(L, NULL, self->records[0]->params, self->records[0]->nparams);
  else
    lua_newtable(L);
  set_time(L, self, false);
  return 1;
}
static const gl_opdef one_stats_def = {
  .name = "stats",
  .call = "virDomainListGetStats",
  .help = "The guest's statistics, all in one call.",
  .result = {"table<string,any>"},
  .returns =
    "values by libvirt's names, with a table for each dot in them, as host:stats has it: \"block.0.rd.bytes\" is block[0].rd.bytes",
  .params = one_nested_params,
  .size = sizeof(stats_op),
  .run = one_nested_run,
  .push = one_nested_push,
  .release = stats_release,
  .lane = GL_LANE_BESIDE,
};
const gl_opdef *const gl_domain_stats_ops[] = {&get_stats_def, &one_stats_def, NULL};
