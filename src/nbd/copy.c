/*
 * The places of the disk go through a ring of slots, in order: read, looked at, written, and then, oldest first, put on the list. A slot
 * has what is read in one request, at most SLOT_BLOCKS blocks; or zeros, which need no room, however many.
 */
#ifdef GL_NBD
#include "nbd/copy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nbd/map.h"

#define SLOTS 32
#define SLOT_BLOCKS 4
#define WAIT_MS 50

typedef struct slot {
  uint64_t offset, length;
  enum { READS, WRITES, OVER } phase;
  bool zero;                 /* as the source says, without reading */
  int left;                  /* requests under way */
  int error;                 /* of one of them */
  gl_sum sums[SLOT_BLOCKS];  /* of what was read */
  gl_sum wants[SLOT_BLOCKS]; /* what it has to be */
  uint8_t *data;
} slot;

typedef struct engine {
  gl_nbd_copy *copy;
  gl_nbd_pair *pair;
  gl_nbd_map map;
  gl_sums_writer writer;
  gl_sums_reader reader;
  gl_sum want; /* the place of the lists that comes next; length 0: there is none any more */
  uint64_t at, size;
  int first, count; /* the slots that are under way */
  double began;
  slot slots[SLOTS];
} engine;

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool fail_list(engine *e)
{
  return gl_nbd_fail(&e->pair->failure, "checksum_error", "%s", e->reader.why);
}

static bool mismatch(engine *e, uint64_t offset)
{
  return gl_nbd_fail(&e->pair->failure, "checksum_error", "%s is not what was saved: at byte %llu it has something else",
                     e->pair->sides[0].name, (unsigned long long)offset);
}

/* ---- which places ---- */

/* What is to be done with the block at e->at. */
typedef enum action { FAIL, SKIP, ZERO, READ } action;

static bool next_want(engine *e)
{
  int more = gl_sums_next(&e->reader, &e->want);
  if (more == 0)
    memset(&e->want, 0, sizeof e->want);
  return more >= 0 || fail_list(e);
}

static action compared_action(engine *e, int flags)
{
  while (e->want.length > 0 && e->want.offset + e->want.length <= e->at)
    if (!next_want(e))
      return FAIL;
  if (e->want.length == 0 || e->want.offset > e->at) {
    if (!e->copy->whole)
      return SKIP;
    gl_nbd_fail(&e->pair->failure, "checksum_error", "there is no checksum of byte %llu", (unsigned long long)e->at);
    return FAIL;
  }
  if (!e->want.zero && !(flags & GL_MAP_DATA)) {
    mismatch(e, e->at);
    return FAIL;
  }
  return flags & GL_MAP_DATA ? READ : ZERO;
}

static action action_here(engine *e)
{
  int flags = gl_nbd_map_at(&e->map, e->at);
  if (flags < 0)
    return FAIL;
  if (e->copy->compare)
    return compared_action(e, flags);
  if (e->pair->sides[0].bitmap && !(flags & GL_MAP_CHANGED))
    return SKIP;
  return flags & GL_MAP_DATA ? READ : ZERO;
}

/* Makes the next slot of what can be done at once from e->at on. With nothing to do it moves on and makes none. */
static bool fill_slot(engine *e, slot *s)
{
  action first = action_here(e), here = first;
  s->offset = e->at;
  s->length = 0;
  s->zero = first == ZERO;
  s->left = s->error = 0;
  for (int i = 0; here == first && here != FAIL && (here != READ || i < SLOT_BLOCKS); i++) {
    uint64_t length = e->size - e->at < GL_BLOCK ? e->size - e->at : GL_BLOCK;
    if (here == READ)
      s->wants[i] = e->want;
    s->length += length;
    e->at += length;
    if (e->at == e->size || e->at == e->map.end)
      break;
    here = action_here(e);
  }
  if (first == SKIP)
    s->length = 0;
  return first != FAIL && here != FAIL;
}

/* ---- requests ---- */

static int on_done(void *data, int *error)
{
  slot *s = data;
  s->error = *error ? *error : s->error;
  s->left--;
  return 1;
}

static bool has_destination(const engine *e)
{
  return e->pair->sides[1].nbd != NULL;
}

/* Zeros are written if something else may be below. */
static bool write_zeros(engine *e, slot *s, uint64_t offset, uint64_t length)
{
  nbd_completion_callback done = {.callback = on_done, .user_data = s};
  atomic_fetch_add(&e->copy->zeroed, length);
  if (!(e->pair->sides[0].bitmap || e->copy->over || e->copy->below_count > 0) || !has_destination(e))
    return true;
  s->left++;
  return nbd_aio_zero(e->pair->sides[1].nbd, length, offset, done, 0) >= 0 || gl_nbd_fail_nbd(&e->pair->failure, e->pair->sides[1].name);
}

static bool write_data(engine *e, slot *s, uint64_t offset, uint64_t length)
{
  nbd_completion_callback done = {.callback = on_done, .user_data = s};
  atomic_fetch_add(&e->copy->written, length);
  if (!has_destination(e))
    return true;
  s->left++;
  return nbd_aio_pwrite(e->pair->sides[1].nbd, s->data + (offset - s->offset), length, offset, done, 0) >= 0 ||
         gl_nbd_fail_nbd(&e->pair->failure, e->pair->sides[1].name);
}

static bool begin_slot(engine *e, slot *s)
{
  nbd_completion_callback done = {.callback = on_done, .user_data = s};
  s->phase = s->zero ? WRITES : READS;
  if (s->zero)
    return write_zeros(e, s, s->offset, s->length);
  s->left = 1;
  atomic_fetch_add(&e->copy->read, s->length);
  return nbd_aio_pread(e->pair->sides[0].nbd, s->data, s->length, s->offset, done, 0) >= 0 ||
         gl_nbd_fail_nbd(&e->pair->failure, e->pair->sides[0].name);
}

static bool is_zero(const uint8_t *data, size_t length)
{
  return data[0] == 0 && memcmp(data, data + 1, length - 1) == 0;
}

/* The checksum of each block that was read, and whether it is the right one. */
static bool look(engine *e, slot *s)
{
  struct sha256_ctx sha;
  for (uint64_t done = 0; done < s->length; done += GL_BLOCK) {
    gl_sum *sum = &s->sums[done / GL_BLOCK];
    const gl_sum *want = &s->wants[done / GL_BLOCK];
    sum->offset = s->offset + done;
    sum->length = s->length - done < GL_BLOCK ? s->length - done : GL_BLOCK;
    sum->zero = is_zero(s->data + done, sum->length);
    if (!sum->zero) {
      sha256_init(&sha);
      sha256_update(&sha, sum->length, s->data + done);
      sha256_digest(&sha, sizeof sum->digest, sum->digest);
    }
    if (e->copy->compare && (sum->zero != want->zero || (!sum->zero && memcmp(sum->digest, want->digest, sizeof sum->digest) != 0)))
      return mismatch(e, sum->offset);
  }
  return true;
}

/* Writes what was read: the runs of blocks that are zero or not. */
static bool hand_on(engine *e, slot *s)
{
  int blocks = (int)((s->length + GL_BLOCK - 1) / GL_BLOCK);
  s->phase = WRITES;
  for (int from = 0, to; from < blocks; from = to) {
    uint64_t length = 0;
    for (to = from; to < blocks && s->sums[to].zero == s->sums[from].zero; to++)
      length += s->sums[to].length;
    if (!(s->sums[from].zero ? write_zeros : write_data)(e, s, s->sums[from].offset, length))
      return false;
  }
  return true;
}

/* ---- the ring ---- */

static bool advance_slot(engine *e, slot *s)
{
  if (s->left > 0 || s->phase == OVER)
    return true;
  if (s->error)
    return gl_nbd_fail(&e->pair->failure, s->error == ENOSPC ? "no_space" : "io_error", "%s cannot be %s at byte %llu: %s",
                       e->pair->sides[s->phase].name, s->phase == READS ? "read" : "written", (unsigned long long)s->offset,
                       strerror(s->error));
  if (s->phase == READS)
    return look(e, s) && hand_on(e, s);
  s->phase = OVER;
  return true;
}

static void note(engine *e, const slot *s)
{
  atomic_store(&e->copy->at, s->offset + s->length);
  if (!e->writer.file)
    return;
  if (s->zero)
    gl_sums_add(&e->writer, &(gl_sum){.offset = s->offset, .length = s->length, .zero = true});
  for (uint64_t i = 0; !s->zero && i * GL_BLOCK < s->length; i++)
    gl_sums_add(&e->writer, &s->sums[i]);
}

static bool may_read(const engine *e)
{
  return e->copy->rate == 0 || (double)atomic_load(&e->copy->read) <= (double)e->copy->rate * (now() - e->began);
}

/* Moves everything as far as it goes without waiting. *moved: whether anything did. */
static bool turn(engine *e, bool *moved)
{
  *moved = false;
  for (; e->count < SLOTS && e->at < e->size && may_read(e); *moved = true) {
    slot *s = &e->slots[(e->first + e->count) % SLOTS];
    if (!fill_slot(e, s))
      return false;
    if (s->length == 0) { /* a disk with nothing to do can be cancelled all the same */
      *moved = true;
      break;
    }
    e->count++;
    if (!begin_slot(e, s))
      return false;
  }
  for (int i = 0; i < e->count; i++)
    if (!advance_slot(e, &e->slots[(e->first + i) % SLOTS]))
      return false;
  for (; e->count > 0 && e->slots[e->first].phase == OVER; *moved = true) {
    note(e, &e->slots[e->first]);
    e->first = (e->first + 1) % SLOTS;
    e->count--;
  }
  return true;
}

static bool copy_all(engine *e)
{
  bool moved = true;
  while (e->at < e->size || e->count > 0)
    if (!turn(e, &moved) || !gl_nbd_turn(e->pair, moved ? 0 : WAIT_MS))
      return false;
  while (e->copy->compare && e->want.length > 0)
    if (!next_want(e))
      return false;
  return true;
}

/* ---- all of it ---- */

static bool prepare(engine *e)
{
  gl_nbd_copy *c = e->copy;
  if (c->compare && (!gl_sums_digest(&e->reader, c->lists, c->list_count, c->image_sha256) || /* before anything is believed */
                     !gl_sums_open(&e->reader, c->lists, c->list_count) || !next_want(e)))
    return fail_list(e);
  for (int i = 0; i < SLOTS; i++)
    if (!(e->slots[i].data = malloc(SLOT_BLOCKS * GL_BLOCK)))
      return gl_nbd_fail(&e->pair->failure, "system_error", "not enough memory");
  if (!gl_nbd_connect(e->pair))
    return false;
  int64_t size = nbd_get_size(e->pair->sides[0].nbd), other = has_destination(e) ? nbd_get_size(e->pair->sides[1].nbd) : size;
  if (size < 0)
    return gl_nbd_fail_nbd(&e->pair->failure, e->pair->sides[0].name);
  if (size != other || (c->compare && (uint64_t)size != e->reader.size))
    return gl_nbd_fail(&e->pair->failure, "size_mismatch", "%s has %lld bytes, and should have %lld",
                       e->pair->sides[size == other ? 0 : 1].name, (long long)(size == other ? size : other),
                       (long long)(size == other ? (int64_t)e->reader.size : size));
  if (has_destination(e) && nbd_is_read_only(e->pair->sides[1].nbd) == 1)
    return gl_nbd_fail(&e->pair->failure, "nbd_error", "%s is read-only", e->pair->sides[1].name);
  e->map.size = e->size = (uint64_t)size;
  atomic_store(&c->size, e->size);
  if (c->made && !gl_sums_create(&e->writer, c->made, e->size))
    return gl_nbd_fail(&e->pair->failure, errno == ENOSPC ? "no_space" : "system_error", "%s: %s", c->made, strerror(errno));
  return true;
}

/* The list is on the disk, and stands for the image together with those below it. */
static bool finish_list(engine *e)
{
  gl_nbd_copy *c = e->copy;
  if (!c->made)
    return true;
  if (!gl_sums_finish(&e->writer, c->made_sha256))
    return gl_nbd_fail(&e->pair->failure, errno == ENOSPC ? "no_space" : "system_error", "%s: %s", c->made, strerror(errno));
  c->lists--;
  c->list_count++;
  c->lists[0] = (gl_sums_list){.path = c->made, .sha256 = c->made_sha256};
  return gl_sums_digest(&e->reader, c->lists, c->list_count + c->below_count, c->image_sha256) || fail_list(e);
}

void gl_nbd_copy_run(gl_nbd_copy *c)
{
  engine *e = calloc(1, sizeof *e);
  if (!e) {
    gl_nbd_fail(&c->pair.failure, "system_error", "not enough memory");
    return;
  }
  e->copy = c;
  e->pair = e->map.pair = &c->pair;
  e->began = now();
  bool done = prepare(e) && (c->probe || copy_all(e));
  gl_sums_close(&e->reader);
  if (gl_nbd_disconnect(e->pair) && done && finish_list(e))
    atomic_store(&c->at, e->size);
  char ignored[GL_SUM_TEXT];
  gl_sums_finish(&e->writer, ignored);
  for (int i = 0; i < SLOTS; i++)
    free(e->slots[i].data);
  free(e);
}

#endif
