#include "loop/wait.h"

#include <math.h>

void gl_waiter_init(gl_waiter *w, gl_state *s, gl_task *t)
{
  w->state = s;
  w->task = t;
  uv_timer_init(&s->loop, &w->timer);
  w->timer.data = w;
}

void gl_waiter_wake(gl_waiter *w)
{
  if (!w->waiting)
    return;
  w->waiting = false;
  if (w->wait.list)
    TAILQ_REMOVE(w->wait.list, w, entry);
  w->wait.list = NULL;
  uv_timer_stop(&w->timer);
  if (w->state->looping)
    uv_stop(&w->state->loop); /* a timer may expire right before uv_run sleeps: it must not sleep, there is work now */
  /* A loop in place looks at `waiting`; a task has to be resumed. */
  if (w == &w->task->parked) {
    w->task->waits = NULL;
    STAILQ_INSERT_TAIL(&w->state->ready, w->task, entry);
  }
}

void gl_waitlist_wake(gl_waitlist *list, int count)
{
  for (; count != 0 && !TAILQ_EMPTY(list); count--) {
    gl_waiter *w = TAILQ_FIRST(list);
    w->given = true;
    gl_waiter_wake(w);
  }
}

static void on_timer(uv_timer_t *timer)
{
  gl_waiter *w = timer->data;
  w->timed_out = true;
  gl_waiter_wake(w);
}

void gl_waiter_begin(gl_waiter *w, const gl_wait *wait)
{
  uv_loop_t *loop = &w->state->loop;
  uv_update_time(loop);
  w->timed_out = w->given = false;
  w->waiting = true;
  w->wait = *wait;
  w->since = uv_now(loop);
  if (wait->list)
    TAILQ_INSERT_TAIL(wait->list, w, entry);
  if (wait->seconds >= 0) {
    double ms = wait->seconds * 1000;
    uv_timer_start(&w->timer, on_timer, ms < 1e15 ? (uint64_t)ms + (ms > (double)(uint64_t)ms) : (uint64_t)1e15, 0);
  }
}

double gl_time_left(double deadline)
{
  double left = deadline - gl_time();
  return isinf(deadline) ? -1 : left > 0 ? left : 0;
}
