/*
 * Copies a disk from one NBD server to another, or compares it with lists of checksums, or both: on a thread of its own, with many requests
 * under way, and in bounded memory however large the disk is. What has no data is not read.
 *
 *   bitmap          only what that meta context says has changed; the destination lies over what it had before, so zeros are written too
 *   over            the destination may have anything in it, so zeros are written too
 *   probe           nothing is copied: both sides are there, of one size, and the destination can be written to
 *   made            the list of checksums to make of what was read
 *   lists, compare  what is read has to be what these lists say, newest first; without compare they are those below the list that is made
 *   whole           compare: all of the disk has to be on the lists; otherwise only what is on them is read
 *   below           after the lists in the array: of what the destination lies over, so zeros are written too. They are not read of the
 *                   source, and count only for the checksum of the list that is made together with what is below
 */
#ifndef GL_NBD_COPY_H
#define GL_NBD_COPY_H

#include "nbd/side.h"
#include "nbd/sums.h"

typedef struct gl_nbd_copy {
  gl_nbd_pair pair;
  const char *made;
  gl_sums_list *lists; /* with one more place in front, for the list that is made */
  int list_count, below_count;
  bool compare, whole, over, probe;
  uint64_t rate; /* bytes a second at most; 0: any */

  atomic_ullong size, at, read, written, zeroed; /* while it goes on */

  char made_sha256[GL_SUM_TEXT], image_sha256[GL_SUM_TEXT]; /* after success; "": there is none */
} gl_nbd_copy;

/* Does it all, on any thread; c->pair.failure says how it went. */
void gl_nbd_copy_run(gl_nbd_copy *c);

#endif
