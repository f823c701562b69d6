/* Host: the machine itself, as far as what it says is of no common shape. */
#include <lauxlib.h>
#include <limits.h>
#include <stdlib.h>

#include "base/error.h"
#include "call/args.h"
#include "call/push.h"
#include "call/values.h"
#include "virt/host/rows.h"
#include "virt/object/reply.h"

/* ---- statistics ---- */

typedef struct stats_op {
  gl_op op;
  long long number; /* of the processor or of the NUMA cell */
  int count;
  virNodeCPUStatsPtr cpu;
  virNodeMemoryStatsPtr memory;
} stats_op;

static const gl_param cpu_stats_params[] = {
  {.name = "cpu",
   .kind = &gl_integer,
   .positional = true,
   .max = INT_MAX,
   .offset = offsetof(stats_op, number),
   .help = "the number of the processor; nil: all of them together"},
  GL_END,
};

static int number_of(const gl_op *op)
{
  return op->args.given & 1 ? (int)((const stats_op *)op)->number : -1;
}

static int cpu_stats_run(gl_op *op)
{
  stats_op *self = (stats_op *)op;
  if (virNodeGetCPUStats(gl_op_connect(op), number_of(op), NULL, &self->count, 0) < 0)
    return -1;
  self->cpu = calloc((size_t)self->count + 1, sizeof *self->cpu);
  if (!self->cpu)
    return gl_op_fail(op, "no_memory", "out of memory");
  return virNodeGetCPUStats(gl_op_connect(op), number_of(op), self->cpu, &self->count, 0);
}

static int cpu_stats_push(lua_State *L, gl_op *op)
{
  const stats_op *self = (stats_op *)op;
  lua_createtable(L, 0, self->count);
  for (int i = 0; i < self->count; i++)
    gl_set_integer(L, self->cpu[i].field, (lua_Integer)self->cpu[i].value);
  return 1;
}

static void stats_release(gl_op *op)
{
  free(((stats_op *)op)->cpu);
  free(((stats_op *)op)->memory);
}
static const gl_opdef get_cpu_stats_def = {
  .name = "get_cpu_stats",
  .call = "virNodeGetCPUStats",
  .help = "How the host's processors spent their time since it was started: kernel, user, idle, iowait ...",
  .result = {"table<string,integer>"},
  .returns = "nanoseconds by name",
  .params = cpu_stats_params,
  .size = sizeof(stats_op),
  .run = cpu_stats_run,
  .push = cpu_stats_push,
  .release = stats_release,
  GL_LOOK,
};

static const gl_param memory_stats_params[] = {
  {.name = "cell",
   .kind = &gl_integer,
   .positional = true,
   .max = INT_MAX,
   .offset = offsetof(stats_op, number),
   .help = "the number of the NUMA cell; nil: all of them together"},
  GL_END,
};

static int memory_stats_run(gl_op *op)
{
  stats_op *self = (stats_op *)op;
  if (virNodeGetMemoryStats(gl_op_connect(op), number_of(op), NULL, &self->count, 0) < 0)
    return -1;
  self->memory = calloc((size_t)self->count + 1, sizeof *self->memory);
  if (!self->memory)
    return gl_op_fail(op, "no_memory", "out of memory");
  return virNodeGetMemoryStats(gl_op_connect(op), number_of(op), self->memory, &self->count, 0);
}

static int memory_stats_push(lua_State *L, gl_op *op)
{
  const stats_op *self = (stats_op *)op;
  lua_createtable(L, 0, self->count);
  for (int i = 0; i < self->count; i++)
    gl_set_integer(L, self->memory[i].field, (lua_Integer)self->memory[i].value);
  return 1;
}
static const gl_opdef get_memory_stats_def = {
  .name = "get_memory_stats",
  .call = "virNodeGetMemoryStats",
  .help = "How the host's memory is used: total, free, buffers, cached.",
  .result = {"table<string,integer>"},
  .returns = "KiB by name",
  .params = memory_stats_params,
  .size = sizeof(stats_op),
  .run = memory_stats_run,
  .push = memory_stats_push,
  .release = stats_release,
  GL_LOOK,
};

/* ---- processors ---- */

typedef struct map_op {
  gl_op op;
  unsigned char *map;
  unsigned online;
} map_op;

static int cpu_map_run(gl_op *op)
{
  map_op *self = (map_op *)op;
  return virNodeGetCPUMap(gl_op_connect(op), &self->map, &self->online, 0);
}

static int cpu_map_push(lua_State *L, gl_op *op)
{
  const map_op *self = (map_op *)op;
  gl_push_cpu_map(L, self->map, self->map ? ((size_t)op->rc + 7) / 8 : 0);
  lua_pushinteger(L, op->rc);
  return 2;
}

static void map_release(gl_op *op)
{
  free(((map_op *)op)->map);
}
static const gl_opdef get_cpu_map_def = {
  .name = "get_cpu_map",
  .call = "virNodeGetCPUMap",
  .help = "Which of the host's processors are in use.",
  .result = {"integer[] online", "integer count"},
  .returns = "a list of their numbers; and how many there are, with those that are not in use",
  .size = sizeof(map_op),
  .run = cpu_map_run,
  .push = cpu_map_push,
  .release = map_release,
  GL_LOOK,
};

/* ---- memory ---- */

/* The most cells and sizes of pages that are asked for at once. */
#define MOST_CELLS 1024

typedef struct pages_op {
  gl_op op;
  gl_numbers sizes, counts;
  long long first, cells;
  unsigned long long *found; /* from libvirt, or for it */
  unsigned *pages;
} pages_op;

static void pages_release(gl_op *op)
{
  free(((pages_op *)op)->found);
  free(((pages_op *)op)->pages);
}

static const gl_param cells_params[] = {
  {.name = "first",
   .kind = &gl_integer,
   .positional = true,
   .max = INT_MAX,
   .offset = offsetof(pages_op, first),
   .help = "the first cell; nil: 0"},
  {.name = "count",
   .kind = &gl_integer,
   .positional = true,
   .max = MOST_CELLS,
   .offset = offsetof(pages_op, cells),
   .help = "how many cells at most; nil: all"},
  GL_END,
};

static int cells_run(gl_op *op)
{
  pages_op *self = (pages_op *)op;
  int most = GL_GIVEN(pages_op, op, cells) ? (int)self->cells : MOST_CELLS;
  self->found = calloc((size_t)most + 1, sizeof *self->found);
  if (!self->found)
    return gl_op_fail(op, "no_memory", "out of memory");
  return most ? virNodeGetCellsFreeMemory(gl_op_connect(op), self->found, (int)self->first, most) : 0;
}

static int cells_push(lua_State *L, gl_op *op)
{
  lua_createtable(L, op->rc, 0);
  for (int i = 0; i < op->rc; i++) {
    lua_pushinteger(L, (lua_Integer)((pages_op *)op)->found[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}
static const gl_opdef get_cells_free_memory_def = {
  .name = "get_cells_free_memory",
  .call = "virNodeGetCellsFreeMemory",
  .help = "How much memory is free in each of the host's NUMA cells.",
  .result = {"integer[]"},
  .returns = "a list of bytes, a cell each",
  .params = cells_params,
  .size = sizeof(pages_op),
  .run = cells_run,
  .push = cells_push,
  .release = pages_release,
  GL_LOOK,
};

#define PAGE_SIZES                                                                                                                        \
  {                                                                                                                                       \
    .name = "sizes", .kind = &gl_number_list, .positional = true, .required = true, .max = UINT_MAX, .offset = offsetof(pages_op, sizes), \
    .help = "the sizes of the pages, in KiB"                                                                                              \
  }
#define FIRST_CELL(text)                                                                                                       \
  {                                                                                                                            \
    .name = "first", .kind = &gl_signed, .positional = true, .max = INT_MAX, .offset = offsetof(pages_op, first), .help = text \
  }
#define CELLS                                                                                                         \
  {                                                                                                                   \
    .name = "count", .kind = &gl_integer, .positional = true, .max = MOST_CELLS, .offset = offsetof(pages_op, cells), \
    .help = "how many cells; nil: 1"                                                                                  \
  }

/* For both calls: the sizes as libvirt takes them, and room for a number for each size of each cell. */
static int prepare_pages(gl_op *op, unsigned cells)
{
  pages_op *self = (pages_op *)op;
  self->pages = calloc(self->sizes.count + 1, sizeof *self->pages);
  self->found = calloc(self->sizes.count * cells + 1, sizeof *self->found);
  if (!self->pages || !self->found)
    return gl_op_fail(op, "no_memory", "out of memory");
  for (size_t i = 0; i < self->sizes.count; i++)
    self->pages[i] = (unsigned)self->sizes.list[i];
  return 0;
}

static unsigned cells_of(const gl_op *op)
{
  return GL_GIVEN(pages_op, op, cells) ? (unsigned)((const pages_op *)op)->cells : 1;
}

static const gl_param free_pages_params[] = {PAGE_SIZES, FIRST_CELL("the first cell; nil: 0"), CELLS, GL_END};

static int free_pages_run(gl_op *op)
{
  pages_op *self = (pages_op *)op;
  if (prepare_pages(op, cells_of(op)) < 0)
    return -1;
  return virNodeGetFreePages(gl_op_connect(op), (unsigned)self->sizes.count, self->pages, (int)self->first, cells_of(op), self->found, 0);
}
static const gl_opdef get_free_pages_def = {
  .name = "get_free_pages",
  .call = "virNodeGetFreePages",
  .help = "How many pages of each size are free in each of some NUMA cells.",
  .result = {"integer[]"},
  .returns = "a list of numbers: for each cell those of all sizes",
  .params = free_pages_params,
  .size = sizeof(pages_op),
  .run = free_pages_run,
  .push = cells_push,
  .release = pages_release,
  .lane = GL_LANE_BESIDE,
};

static const gl_param alloc_pages_params[] = {
  PAGE_SIZES,
  {.name = "counts",
   .kind = &gl_number_list,
   .positional = true,
   .required = true,
   .offset = offsetof(pages_op, counts),
   .help = "how many of each size there are to be"},
  FIRST_CELL("the first cell; nil: 0; -1: any"),
  CELLS,
  GL_OPTION_FLAG("add", VIR_NODE_ALLOC_PAGES_ADD, "so many more"),
  GL_OPTION_FLAG("set", 0, "so many: what nothing is said means"),
  GL_END,
};

static void alloc_pages_check(lua_State *L, gl_op *op)
{
  const pages_op *self = (pages_op *)op;
  if (self->counts.count != self->sizes.count)
    gl_error_argument(L, op->def->name, "counts", "as many as there are sizes expected, got %d", (int)self->counts.count);
}

static int alloc_pages_run(gl_op *op)
{
  pages_op *self = (pages_op *)op;
  if (prepare_pages(op, 1) < 0)
    return -1;
  for (size_t i = 0; i < self->counts.count; i++)
    self->found[i] = (unsigned long long)self->counts.list[i];
  return virNodeAllocPages(gl_op_connect(op), (unsigned)self->sizes.count, self->pages, self->found, (int)self->first, cells_of(op),
                           op->args.flags);
}
static const gl_opdef alloc_pages_def = {
  .name = "alloc_pages",
  .call = "virNodeAllocPages",
  .help = "Sets aside large pages for guests, in each of some NUMA cells.",
  .result = {"integer"},
  .returns = "integer: how many sizes were set",
  .params = alloc_pages_params,
  .size = sizeof(pages_op),
  .check = alloc_pages_check,
  .run = alloc_pages_run,
  .push = gl_push_integer,
  .release = pages_release,
  GL_CHANGE,
};

const gl_opdef *const gl_host_node_ops[] = {
  &get_cpu_stats_def, &get_memory_stats_def, &get_cpu_map_def, &get_cells_free_memory_def, &get_free_pages_def, &alloc_pages_def, NULL,
};
