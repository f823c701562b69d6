#include "loop/work.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

/* The most workers of a process: each call that hangs keeps one. More work than that queues. */
#define MOST 1024

/* Seconds after which a worker without work ends. */
#define IDLE_S 10

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* the rest is under it, and each state's list of what is done */
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static gl_work_list queue = STAILQ_HEAD_INITIALIZER(queue);
static int queued, idle, workers;

/* Under the mutex. False: there has been no work for long. If the clock is set meanwhile, that comes early or late, which does no harm. */
static bool await_work(void)
{
  struct timespec end;
  int rc = 0;
  clock_gettime(CLOCK_REALTIME, &end);
  end.tv_sec += IDLE_S;
  idle++;
  while (STAILQ_EMPTY(&queue) && rc != ETIMEDOUT)
    rc = pthread_cond_timedwait(&more, &mutex, &end);
  idle--;
  return !STAILQ_EMPTY(&queue);
}

/* Under the mutex, which is free meanwhile. */
static void run(gl_work *w)
{
  pthread_mutex_unlock(&mutex);
  w->run(w);
  pthread_mutex_lock(&mutex);
  bool first = STAILQ_EMPTY(&w->state->worked);
  STAILQ_INSERT_TAIL(&w->state->worked, w, entry);
  if (first)
    uv_async_send(&w->state->wakeup); /* under the mutex: once the Lua thread has seen the work, it may close the state */
}

static void worker(void *unused)
{
  (void)unused;
  pthread_mutex_lock(&mutex);
  while (await_work()) {
    gl_work *w = STAILQ_FIRST(&queue);
    STAILQ_REMOVE_HEAD(&queue, entry);
    queued--;
    run(w);
  }
  workers--;
  pthread_mutex_unlock(&mutex);
}

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

void gl_work_submit(gl_work *w)
{
  pthread_mutex_lock(&mutex);
  STAILQ_INSERT_TAIL(&queue, w, entry);
  queued++;
  if (idle < queued && workers < MOST)
    add_worker();
  bool taken = workers > 0;
  if (!taken) { /* the system has no thread for it */
    STAILQ_REMOVE(&queue, w, gl_work, entry);
    queued--;
    run(w);
  }
  pthread_mutex_unlock(&mutex);
  if (taken)
    pthread_cond_signal(&more); /* now the worker does not wake up only to wait for the mutex */
}

static void on_wakeup(gl_state *s)
{
  gl_work_list worked = STAILQ_HEAD_INITIALIZER(worked);
  pthread_mutex_lock(&mutex);
  STAILQ_CONCAT(&worked, &s->worked);
  pthread_mutex_unlock(&mutex);
  while (!STAILQ_EMPTY(&worked)) {
    gl_work *w = STAILQ_FIRST(&worked);
    STAILQ_REMOVE_HEAD(&worked, entry);
    w->done(w);
  }
}

void gl_work_open(gl_state *s)
{
  STAILQ_INIT(&s->worked);
  gl_state_on_wakeup(s, on_wakeup);
}
