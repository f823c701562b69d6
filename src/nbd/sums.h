/*
 * Lists of checksums: what a disk has at each place, in a text file that is read and written from its beginning to its end.
 *
 *   guestlua-sums 1 SIZE          the first line, with the disk's size in bytes
 *   OFFSET LENGTH SHA256          of one block: GL_BLOCK bytes, or what is left of the disk
 *   OFFSET LENGTH zero            nothing but zeros, however long
 *
 * A list need not have all of the disk: that of an increment has what the increment has. The lists of a chain, newest first, are read as
 * one.
 */
#ifndef GL_SUMS_H
#define GL_SUMS_H

#include <nettle/sha2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define GL_BLOCK (64 * 1024)

/* "%02x" of each byte, and the end. */
#define GL_SUM_TEXT (2 * SHA256_DIGEST_SIZE + 1)

typedef struct gl_sum {
  uint64_t offset, length;
  bool zero;
  uint8_t digest[SHA256_DIGEST_SIZE];
} gl_sum;

void gl_sum_text(const uint8_t digest[SHA256_DIGEST_SIZE], char text[GL_SUM_TEXT]);

/* ---- writing ---- */

typedef struct gl_sums_writer {
  FILE *file;
  int error;   /* errno of the first write that failed; 0: none did */
  gl_sum last; /* a run of zeros that may get longer; length 0: none */
  struct sha256_ctx sha;
} gl_sums_writer;

/* Makes the file, which must not be there yet. False with errno. */
bool gl_sums_create(gl_sums_writer *w, const char *path, uint64_t size);

/* The next place, in order. Errors are kept for gl_sums_finish. */
void gl_sums_add(gl_sums_writer *w, const gl_sum *sum);

/* Puts all on the disk and closes it; the file's own checksum. False with errno. Without a file it does nothing. */
bool gl_sums_finish(gl_sums_writer *w, char text[GL_SUM_TEXT]);

/* ---- reading ---- */

#define GL_MOST_LISTS 400

typedef struct gl_sums_list {
  const char *path, *sha256; /* what its own checksum has to be; NULL: it is not looked at */
  FILE *file;
  struct sha256_ctx sha;
  gl_sum now;
  bool over;
} gl_sums_list;

typedef struct gl_sums_reader {
  gl_sums_list *lists; /* newest first */
  int count;
  uint64_t size, at;
  char why[256]; /* what is wrong with a list, once a call failed */
} gl_sums_reader;

/* Opens them; lists[i].path and .sha256 are given. False: why. */
bool gl_sums_open(gl_sums_reader *r, gl_sums_list *lists, int count);

/* The next place: 1, 0 at the end, -1: why. At the end the checksums of the lists were right. */
int gl_sums_next(gl_sums_reader *r, gl_sum *sum);
void gl_sums_close(gl_sums_reader *r);

/* One checksum for all that the lists say together: equal for equal disks, however they were saved. False: r->why. */
bool gl_sums_digest(gl_sums_reader *r, gl_sums_list *lists, int count, char text[GL_SUM_TEXT]);

#endif
