/* What the source says of its blocks: a window of them at a time. */
#ifndef GL_NBD_MAP_H
#define GL_NBD_MAP_H

#include "nbd/side.h"

#define GL_MAP_BLOCKS (16 * 1024)

/* Of a block, if that is so of any byte in it. */
#define GL_MAP_DATA 1
#define GL_MAP_CHANGED 2

typedef struct gl_nbd_map {
  gl_nbd_pair *pair;
  uint64_t size;       /* of the disk */
  uint64_t begin, end; /* of the window */
  uint64_t known[2];   /* up to where the answer goes, for each meta context */
  int left;
  uint8_t flags[GL_MAP_BLOCKS];
} gl_nbd_map;

/* The flags of the block at the offset, asked if need be; negative: the pair's failure. */
int gl_nbd_map_at(gl_nbd_map *m, uint64_t offset);

#endif
