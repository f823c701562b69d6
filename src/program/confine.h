/* What the kernel keeps a process from, for the rest of its life: it can no longer open, start or reach anything. */
#ifndef GL_CONFINE_H
#define GL_CONFINE_H

#include <stddef.h>

typedef struct gl_confinement {
  size_t memory;          /* bytes that it may use from now on; 0: no limit */
  unsigned seconds;       /* after which its parent kills it; the kernel does so a little later; 0: no limit */
  const char *missing[4]; /* what this kernel does not have; NULL at the end */
} gl_confinement;

/* At the start: it dies with its parent, has no descriptor above `highest`, and makes no ring (io_uring). */
void gl_confine_begin(int highest);

/* The rest, once all that it needs is open and loaded. Returns NULL, or what has failed. */
const char *gl_confine(gl_confinement *c);

#endif
