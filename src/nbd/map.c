#ifdef GL_NBD
#include "nbd/map.h"

#include <string.h>

#include "nbd/sums.h"

#define ALLOCATION 0
#define BITMAP 1

/* Of an entry of the context qemu:dirty-bitmap. */
#define DIRTY 1

static void mark(gl_nbd_map *m, uint64_t from, uint64_t to, uint8_t flag)
{
  from = from < m->begin ? m->begin : from;
  to = to > m->end ? m->end : to;
  if (from >= to)
    return;
  for (uint64_t block = (from - m->begin) / GL_BLOCK; block <= (to - 1 - m->begin) / GL_BLOCK; block++)
    m->flags[block] |= flag;
}

static int on_extents(void *map, const char *context, uint64_t offset, uint32_t *entries, size_t count, int *error)
{
  (void)error;
  gl_nbd_map *m = map;
  bool allocation = strcmp(context, LIBNBD_CONTEXT_BASE_ALLOCATION) == 0;
  for (size_t i = 0; i + 1 < count; i += 2) {
    if (allocation ? !(entries[i + 1] & LIBNBD_STATE_ZERO) : entries[i + 1] & DIRTY)
      mark(m, offset, offset + entries[i], allocation ? GL_MAP_DATA : GL_MAP_CHANGED);
    offset += entries[i];
  }
  m->known[allocation ? ALLOCATION : BITMAP] = offset;
  return 0;
}

static int on_answered(void *map, int *error)
{
  ((gl_nbd_map *)map)->left = *error ? -1 : 0;
  return 1;
}

/* Asks from the offset on, and moves it to where the answer ends. */
static bool ask(gl_nbd_map *m, uint64_t *offset, bool allocation)
{
  gl_nbd_side *from = &m->pair->sides[0];
  m->known[ALLOCATION] = m->known[BITMAP] = *offset;
  m->left = 1;
  nbd_extent_callback extents = {.callback = on_extents, .user_data = m};
  nbd_completion_callback answered = {.callback = on_answered, .user_data = m};
  if (nbd_aio_block_status(from->nbd, m->end - *offset, *offset, extents, answered, 0) < 0)
    return gl_nbd_fail_nbd(&m->pair->failure, from->name);
  if (!gl_nbd_turn_until(m->pair, &m->left))
    return false;
  uint64_t known = allocation ? m->known[ALLOCATION] : m->end;
  if (from->bitmap && m->known[BITMAP] < known)
    known = m->known[BITMAP];
  if (m->left < 0 || known <= *offset)
    return gl_nbd_fail(&m->pair->failure, "io_error", "%s does not say what it has at %llu", from->name, (unsigned long long)*offset);
  *offset = known;
  return true;
}

int gl_nbd_map_at(gl_nbd_map *m, uint64_t offset)
{
  if (offset < m->begin || offset >= m->end) {
    bool allocation = nbd_can_meta_context(m->pair->sides[0].nbd, LIBNBD_CONTEXT_BASE_ALLOCATION) == 1;
    m->begin = offset;
    m->end = m->size - offset < (uint64_t)GL_MAP_BLOCKS * GL_BLOCK ? m->size : offset + (uint64_t)GL_MAP_BLOCKS * GL_BLOCK;
    memset(m->flags, allocation ? 0 : GL_MAP_DATA, sizeof m->flags);
    for (uint64_t at = offset; (allocation || m->pair->sides[0].bitmap) && at < m->end;)
      if (!ask(m, &at, allocation))
        return -1;
  }
  return m->flags[(offset - m->begin) / GL_BLOCK];
}

#endif
