/*
 * Work on other threads. There are as many as there is work, so that work which hangs holds up no other: libuv's own workers, a fixed
 * number, are left to luv's files and names.
 *
 * A gate says what may be under way at once. What may not begin yet waits behind it, until a worker that has ended other work of this gate
 * goes on with it, without a way over the Lua thread.
 */
#ifndef GL_WORK_H
#define GL_WORK_H

#include "loop/state.h"

typedef TAILQ_HEAD(gl_gate_list, gl_work) gl_gate_list;

/* Used by work.c and `admits`; initialize with gl_gate_init. */
typedef struct gl_gate {
  gl_gate_list running; /* that is under way now */
  int count;            /* of those */
  gl_gate_list waiting; /* that waits to begin: first what is `urgent`, and otherwise the oldest first */
} gl_gate;

/* GL_FULL: nothing that waits behind this may begin either. */
typedef enum gl_admission { GL_ADMITTED, GL_WAITS, GL_FULL } gl_admission;

struct gl_work {
  gl_state *state;
  gl_gate *gate;                            /* NULL: it may begin at once */
  gl_admission (*admits)(const gl_work *w); /* whether it may begin beside the others: any thread, one call at a time in the process */
  bool urgent;                              /* it waits in front of what is not */
  int frees;                                /* so much that waits may begin once this is over, at most: no more is looked at */
  void (*run)(gl_work *w);                  /* on a worker */
  void (*done)(gl_work *w);                 /* afterwards on the Lua thread; may free it */
  void *about;                              /* the caller's */
  _Atomic enum { GL_WORK_NEW, GL_WORK_WAITING, GL_WORK_RUNNING, GL_WORK_OVER } phase; /* over: once `done` is called */
  STAILQ_ENTRY(gl_work) entry;
  TAILQ_ENTRY(gl_work) gated; /* in gate->running or gate->waiting */
};

void gl_gate_init(gl_gate *g);

/* Gives it to a worker, or to its gate. The state waits for its end before it closes, if alive.ops counts it until then. Lua thread. */
void gl_work_submit(gl_work *w);

/* Takes it back, if it has not begun: it is new again. False: it was not waiting, or is no longer. Lua thread. */
bool gl_work_withdraw(gl_work *w);

/* Calls fn(what) on a worker, to free something large. Nobody waits for it but the state, when it closes. Lua thread. */
void gl_work_discard(gl_state *s, void (*fn)(void *what), void *what);

/* Prepares the state. */
void gl_work_open(gl_state *s);

#endif
