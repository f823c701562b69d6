/*
 * Waits: a waiter is put on a list, for a limited time or without limit, and is woken from it. The waiter is a parked task, which is then
 * ready to be resumed (task.c), or a loop that turns in place (park.c).
 */
#ifndef GL_WAIT_H
#define GL_WAIT_H

#include <lua.h>
#include <stdbool.h>

#include "loop/state.h"

/* The condition to wait for. */
typedef struct gl_wait {
  gl_waitlist *list; /* waking this list wakes the caller; may be NULL */
  double seconds;    /* at most; negative: no limit */
  const char *what;  /* for people, a static string; NULL: describe pushes it */
  void (*describe)(lua_State *L, const void *about);
  const void *about;
  bool by_tasks; /* only another task can end it */
} gl_wait;

/* One wait. */
struct gl_waiter {
  gl_state *state;
  gl_task *task; /* the task that waits */
  uv_timer_t timer;
  TAILQ_ENTRY(gl_waiter) entry; /* in wait.list */
  gl_waiter *outer;             /* in place: the wait that this one is nested in */
  gl_wait wait;
  uint64_t since; /* ms on the loop's clock */
  bool waiting, timed_out;
  bool given; /* a wake of the list was for it */
};

/* What waits: task.h says what can be done with it. */
struct gl_task {
  gl_state *state;
  lua_State *L; /* its coroutine; NULL for the root task */
  int anchor;   /* keeps the coroutine in the registry */
  int number;   /* for people */
  gl_waiter parked;
  gl_waiter *waits;            /* its innermost wait; NULL: it is not waiting */
  STAILQ_ENTRY(gl_task) entry; /* in state->ready or state->cut */
  gl_task *other, **link;      /* in state->all */
  const char *cancelled;       /* the kind of the error to raise at its next or present wait */
  gl_scope_list scopes;        /* the innermost first; the next three go by them */
  int shields;                 /* while there are any, it is not raised */
  double each_call;            /* seconds for each of its libvirt calls that sets no limit itself; 0: no limit */
  double calls_end;            /* the gl_time() at which its libvirt calls are given up; 0: no limit */
  char *traceback;             /* origin of its error, once it failed */
  bool done, failed;
  bool cut;            /* its slice is over, and it yields for that */
  bool heard;          /* its error has been received */
  bool ends_all;       /* when it is done, the others are cancelled */
  gl_waitlist joiners; /* waiting for its end */
  bool abandoned;      /* nobody will ask for its results: it is freed when it is done */
};

void gl_waiter_init(gl_waiter *w, gl_state *s, gl_task *t);
void gl_waiter_begin(gl_waiter *w, const gl_wait *wait);

/* The end of a wait, for any reason. */
void gl_waiter_wake(gl_waiter *w);

/* Wakes the first `count` of the list (negative: all). */
void gl_waitlist_wake(gl_waitlist *list, int count);

/* Seconds on a clock that only goes forward; those left until a moment on it, for gl_wait: -1 for infinity. */
static inline double gl_time(void)
{
  return (double)uv_hrtime() / 1e9;
}
double gl_time_left(double deadline);

#endif
