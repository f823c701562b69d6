/*
 * Waits: a waiter is put on a list, for a limited time or without limit, and is woken from it. The waiter is a parked task (task.c) or a
 * loop that turns in place (park.c).
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
  gl_task *task;              /* the task that waits */
  void (*woken)(gl_waiter *); /* may be NULL */
  uv_timer_t timer;
  TAILQ_ENTRY(gl_waiter) entry; /* in wait.list */
  gl_waiter *outer;             /* in place: the wait that this one is nested in */
  gl_wait wait;
  uint64_t since; /* ms on the loop's clock */
  bool waiting, timed_out;
  bool given; /* a wake of the list was for it */
};

void gl_waiter_init(gl_waiter *w, gl_state *s, gl_task *t);
void gl_waiter_begin(gl_waiter *w, const gl_wait *wait);

/* The end of a wait, for any reason. */
void gl_waiter_wake(gl_waiter *w);

/* Wakes the first `count` of the list (negative: all). */
void gl_waitlist_wake(gl_waitlist *list, int count);

/* Seconds on a clock that only goes forward; those left until a moment on it, for gl_wait: -1 for infinity. */
double gl_time(void);
double gl_time_left(double deadline);

#endif
