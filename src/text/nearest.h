/* Which name was meant. No lua.h; any thread. */
#ifndef GL_NEAREST_H
#define GL_NEAREST_H

/* The best so far: begin with {name}. */
typedef struct gl_nearest {
  const char *name;  /* what was written */
  const char *found; /* NULL: none is near */
  int distance;
} gl_nearest;

/* Looks at one more candidate, which must live as long as the result is used. */
void gl_nearest_add(gl_nearest *n, const char *candidate);

#endif
