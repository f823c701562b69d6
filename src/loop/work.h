/*
 * Work on other threads. There are as many as there is work, so that work which hangs holds up no other: libuv's own workers, a fixed
 * number, are left to luv's files and names.
 */
#ifndef GL_WORK_H
#define GL_WORK_H

#include "loop/state.h"

struct gl_work {
  gl_state *state;
  void (*run)(gl_work *w);  /* on a worker */
  void (*done)(gl_work *w); /* afterwards on the Lua thread; may free it */
  void *about;              /* the caller's */
  STAILQ_ENTRY(gl_work) entry;
};

/* Gives it to a worker. The state waits for its end before it closes, if alive.ops counts it until then. Lua thread. */
void gl_work_submit(gl_work *w);

/* Prepares the state. */
void gl_work_open(gl_state *s);

#endif
