/* Domain: what is in a guest's memory and on its disks, and its keys. */
#include <lauxlib.h>
#include <limits.h>
#include <stdlib.h>

#include "base/error.h"
#include "call/push.h"
#include "call/values.h"
#include "virt/guest/rows.h"
#include "virt/object/generated.h"

/* ---- how it uses its memory ---- */

/* More kinds than any libvirt has. */
#define MOST_STATS 64

typedef struct memory_op {
  gl_op op;
  virDomainMemoryStatStruct stats[MOST_STATS];
} memory_op;

static int memory_stats_run(gl_op *op)
{
  return virDomainMemoryStats(gl_op_domain(op), ((memory_op *)op)->stats, MOST_STATS, 0);
}

static int memory_stats_push(lua_State *L, gl_op *op)
{
  const memory_op *self = (memory_op *)op;
  lua_createtable(L, 0, op->rc);
  for (int i = 0; i < op->rc; i++) {
    gl_enum_push(L, &gl_enum_virDomainMemoryStatTags, self->stats[i].tag);
    lua_pushinteger(L, (lua_Integer)self->stats[i].val);
    lua_rawset(L, -3);
  }
  return 1;
}
static const gl_opdef memory_stats_def = {
  .name = "memory_stats",
  .call = "virDomainMemoryStats",
  .help = "How the guest uses its memory: actual_balloon, rss, unused, usable ... What is inside the guest it says itself, by its balloon "
          "driver.",
  .result = {"table<string,integer>"},
  .returns = "KiB by name; faults are counts, last_update is a time",
  .size = sizeof(memory_op),
  .run = memory_stats_run,
  .push = memory_stats_push,
  GL_LOOK,
};

/* ---- bytes ---- */

/* libvirt's protocol has room for no more at once. */
#define MOST_BYTES (4 * 1024 * 1024)

typedef struct peek_op {
  gl_op op;
  const char *disk;
  long long offset, size;
  char *bytes;
} peek_op;

static void peek_release(gl_op *op)
{
  free(((peek_op *)op)->bytes);
}

static int peek_push(lua_State *L, gl_op *op)
{
  lua_pushlstring(L, ((peek_op *)op)->bytes, (size_t)((peek_op *)op)->size);
  return 1;
}

static int make_room(gl_op *op)
{
  peek_op *self = (peek_op *)op;
  self->bytes = malloc((size_t)self->size + 1);
  return self->bytes ? 0 : gl_op_fail(op, "no_memory", "out of memory");
}

#define OFFSET(text)                                                                                                               \
  {                                                                                                                                \
    .name = "offset", .kind = &gl_integer, .positional = true, .required = true, .offset = offsetof(peek_op, offset), .help = text \
  }
#define SIZE                                                                                                                         \
  {                                                                                                                                  \
    .name = "size", .kind = &gl_integer, .positional = true, .required = true, .max = MOST_BYTES, .offset = offsetof(peek_op, size), \
    .help = "how many bytes"                                                                                                         \
  }

static const gl_param block_peek_params[] = {
  GL_ARG(peek_op, disk, &gl_string, "the disk's target, as in \"vda\", or the path of its source"), OFFSET("the first byte"), SIZE, GL_END};

static int block_peek_run(gl_op *op)
{
  peek_op *self = (peek_op *)op;
  if (make_room(op) < 0)
    return -1;
  return virDomainBlockPeek(gl_op_domain(op), self->disk, (unsigned long long)self->offset, (size_t)self->size, self->bytes, 0);
}
static const gl_opdef block_peek_def = {
  .name = "block_peek",
  .call = "virDomainBlockPeek",
  .help = "Reads bytes of a disk's image, as they are in the file.",
  .result = {"string"},
  .params = block_peek_params,
  .size = sizeof(peek_op),
  .run = block_peek_run,
  .push = peek_push,
  .release = peek_release,
  .lane = GL_LANE_BESIDE,
};

static const gl_param memory_peek_params[] = {
  OFFSET("the first byte"),
  SIZE,
  GL_OPTION_FLAG("virtual", VIR_MEMORY_VIRTUAL, "the address is one of the processor's: what nothing is said means"),
  GL_OPTION_FLAG("physical", VIR_MEMORY_PHYSICAL, "the address is one of the memory itself"),
  GL_END,
};

static int memory_peek_run(gl_op *op)
{
  peek_op *self = (peek_op *)op;
  if (make_room(op) < 0)
    return -1;
  return virDomainMemoryPeek(gl_op_domain(op), (unsigned long long)self->offset, (size_t)self->size, self->bytes,
                             op->args.flags ? op->args.flags : VIR_MEMORY_VIRTUAL);
}
static const gl_opdef memory_peek_def = {
  .name = "memory_peek",
  .call = "virDomainMemoryPeek",
  .help = "Reads bytes of the guest's memory.",
  .result = {"string"},
  .params = memory_peek_params,
  .size = sizeof(peek_op),
  .run = memory_peek_run,
  .push = peek_push,
  .release = peek_release,
  .lane = GL_LANE_BESIDE,
};

/* ---- keys ---- */

typedef struct key_op {
  gl_op op;
  gl_numbers keys;
  long long hold;
  int codeset;
  unsigned codes[VIR_DOMAIN_SEND_KEY_MAX_KEYS];
} key_op;

static const gl_param send_key_params[] = {
  {.name = "keys",
   .kind = &gl_number_list,
   .positional = true,
   .required = true,
   .max = UINT_MAX,
   .offset = offsetof(key_op, keys),
   .help = "the codes of the keys, which are pressed together: Ctrl-Alt-Del is {29, 56, 111}"},
  {.name = "codeset",
   .kind = &gl_name,
   .offset = offsetof(key_op, codeset),
   .names = &gl_enum_virKeycodeSet,
   .help = "the set that the codes are of, default: \"linux\""},
  GL_OPTION_UP_TO(key_op, hold, UINT_MAX, "how long they are held, in milliseconds, default: 0"),
  GL_END,
};

static void send_key_check(lua_State *L, gl_op *op)
{
  size_t count = ((key_op *)op)->keys.count;
  if (count == 0 || count > VIR_DOMAIN_SEND_KEY_MAX_KEYS)
    gl_error_argument(L, op->def->name, "keys", "1 to %d keys expected, got %d", VIR_DOMAIN_SEND_KEY_MAX_KEYS, (int)count);
}

static int send_key_run(gl_op *op)
{
  key_op *self = (key_op *)op;
  for (size_t i = 0; i < self->keys.count; i++)
    self->codes[i] = (unsigned)self->keys.list[i];
  return virDomainSendKey(gl_op_domain(op), (unsigned)self->codeset, (unsigned)self->hold, self->codes, (int)self->keys.count, 0);
}
static const gl_opdef send_key_def = {
  .name = "send_key",
  .call = "virDomainSendKey",
  .help = "Presses keys of the guest's keyboard, all together.",
  .params = send_key_params,
  .size = sizeof(key_op),
  .check = send_key_check,
  .run = send_key_run,
  GL_CHANGE,
};

const gl_opdef *const gl_domain_memory_ops[] = {&memory_stats_def, &block_peek_def, &memory_peek_def, &send_key_def, NULL};
