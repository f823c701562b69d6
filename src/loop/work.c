#include "loop/work.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

/* The most workers of a process: each call that hangs keeps one. More work than that queues. */
#define MOST 1024

/* Seconds after which a worker without work ends. */
#define IDLE_S 10

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* the rest is under it, and all gates, and each state's list of what is done */
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static gl_work_list queue = STAILQ_HEAD_INITIALIZER(queue);
static int queued, idle, workers;
static int looking; /* workers that look for work next, without having been idle */

static void worker(void *unused);

/* Under the mutex. It inherits a mask that leaves signals to the Lua thread. */
static void add_worker(void)
{
  uv_thread_t thread; /* libuv gives it a stack that is large enough, with every libc */
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  if (uv_thread_create(&thread, worker, NULL) == 0) {
    pthread_detach(thread);
    workers++;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Under the mutex. Whether an idle worker has to wake up for it. */
static bool begin(gl_work *w)
{
  w->phase = GL_WORK_RUNNING;
  if (w->gate) {
    TAILQ_INSERT_TAIL(&w->gate->running, w, gated);
    w->gate->count++;
  }
  STAILQ_INSERT_TAIL(&queue, w, entry);
  queued++;
  if (queued <= idle + looking || workers >= MOST)
    return queued > looking;
  add_worker();
  return false;
}

/* Under the mutex: puts it where it waits. */
static void wait_at(gl_gate *g, gl_work *w)
{
  gl_work *behind = w->urgent ? TAILQ_FIRST(&g->waiting) : NULL;
  while (behind && behind->urgent)
    behind = TAILQ_NEXT(behind, gated);
  w->phase = GL_WORK_WAITING;
  if (behind)
    TAILQ_INSERT_BEFORE(behind, w, gated);
  else
    TAILQ_INSERT_TAIL(&g->waiting, w, gated);
}

/* Under the mutex: work of the gate is over, and what waited for that begins. */
static void leave(gl_gate *g, gl_work *w)
{
  int left = w->frees;
  TAILQ_REMOVE(&g->running, w, gated);
  g->count--;
  for (gl_work *next = TAILQ_FIRST(&g->waiting); left > 0 && (w = next);) {
    gl_admission admission = w->admits(w);
    if (admission == GL_FULL)
      return;
    next = TAILQ_NEXT(w, gated);
    if (admission == GL_WAITS)
      continue;
    TAILQ_REMOVE(&g->waiting, w, gated);
    if (begin(w))
      pthread_cond_signal(&more);
    left--;
  }
}

/* Under the mutex, which is free meanwhile: the first of the queue, from its beginning to the beginning of what waited for it. */
static void run(void)
{
  gl_work *w = STAILQ_FIRST(&queue);
  STAILQ_REMOVE_HEAD(&queue, entry);
  queued--;
  pthread_mutex_unlock(&mutex);
  w->run(w);
  pthread_mutex_lock(&mutex);
  bool first = STAILQ_EMPTY(&w->state->worked);
  STAILQ_INSERT_TAIL(&w->state->worked, w, entry);
  if (first)
    uv_async_send(w->state->over); /* under the mutex: once the Lua thread has seen the work, it may close the state */
  looking++;
  if (w->gate)
    leave(w->gate, w);
  looking--;
}

/* Ends once there has been no work for long. If the clock is set meanwhile, that comes early or late, which does no harm. */
static void worker(void *unused)
{
  (void)unused;
  struct timespec end;
  pthread_mutex_lock(&mutex);
  do {
    while (!STAILQ_EMPTY(&queue))
      run();
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += IDLE_S;
    idle++;
    for (int rc = 0; STAILQ_EMPTY(&queue) && rc != ETIMEDOUT;)
      rc = pthread_cond_timedwait(&more, &mutex, &end);
    idle--;
  } while (!STAILQ_EMPTY(&queue));
  workers--;
  pthread_mutex_unlock(&mutex);
}

void gl_work_submit(gl_work *w)
{
  bool wakes = false;
  pthread_mutex_lock(&mutex);
  if (w->gate && w->gate->count > 0 && w->admits(w) != GL_ADMITTED)
    wait_at(w->gate, w);
  else
    wakes = begin(w);
  while (workers == 0 && !STAILQ_EMPTY(&queue)) /* the system has no thread for it */
    run();
  pthread_mutex_unlock(&mutex);
  if (wakes)
    pthread_cond_signal(&more); /* now the worker does not wake up only to wait for the mutex */
}

bool gl_work_withdraw(gl_work *w)
{
  if (!gl_state_is_here(w->state)) /* in the child of a fork nobody may be left to free the mutex */
    return false;
  pthread_mutex_lock(&mutex);
  bool waits = w->phase == GL_WORK_WAITING;
  if (waits) {
    TAILQ_REMOVE(&w->gate->waiting, w, gated);
    w->phase = GL_WORK_NEW;
  }
  pthread_mutex_unlock(&mutex);
  return waits;
}

typedef struct discarded {
  gl_work work;
  void (*fn)(void *what);
  void *what;
} discarded;

static void discard(gl_work *w)
{
  const discarded *self = w->about;
  self->fn(self->what);
}

static void over(gl_work *w)
{
  w->state->alive.ops--;
  free(w->about);
}

void gl_work_discard(gl_state *s, void (*fn)(void *what), void *what)
{
  discarded *self = malloc(sizeof *self);
  if (!self) {
    fn(what);
    return;
  }
  *self = (discarded){.work = {.state = s, .run = discard, .done = over, .about = self}, .fn = fn, .what = what};
  s->alive.ops++;
  gl_work_submit(&self->work);
}

static void on_over(uv_async_t *wakeup)
{
  gl_state *s = wakeup->data;
  gl_work_list worked = STAILQ_HEAD_INITIALIZER(worked);
  pthread_mutex_lock(&mutex);
  STAILQ_CONCAT(&worked, &s->worked);
  pthread_mutex_unlock(&mutex);
  while (!STAILQ_EMPTY(&worked)) {
    gl_work *w = STAILQ_FIRST(&worked);
    STAILQ_REMOVE_HEAD(&worked, entry);
    w->phase = GL_WORK_OVER;
    w->done(w);
  }
}

void gl_gate_init(gl_gate *g)
{
  TAILQ_INIT(&g->running);
  TAILQ_INIT(&g->waiting);
}

void gl_work_open(gl_state *s)
{
  STAILQ_INIT(&s->worked);
  s->over = gl_state_on_wakeup(s, on_over);
}
