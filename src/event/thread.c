#include "event/thread.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

/* The longest time in seconds for a turn of the loop, if the program runs it itself. */
#define PATIENCE 10
#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

static pthread_once_t start_once = PTHREAD_ONCE_INIT;
static pthread_t thread;
static bool started;
static atomic_bool stop;

static void *event_loop(void *unused)
{
  (void)unused;
  while (!atomic_load(&stop))
    virEventRunDefaultImpl();
  return NULL;
}

/* By default libvirt prints every error on standard error; here errors are raised. */
static void be_quiet(void *unused, virErrorPtr error)
{
  (void)unused;
  (void)error;
}

atomic_bool gl_event_is_programs;
static atomic_bool own_error_function; /* the program's */
static atomic_bool decided;            /* set by the first state */
static pthread_mutex_t choice_mutex = PTHREAD_MUTEX_INITIALIZER;

int gl_event_choose(bool loop, bool error_function)
{
  pthread_mutex_lock(&choice_mutex);
  bool late = decided && ((loop && !gl_event_is_programs) || (error_function && !own_error_function));
  if (!late) {
    gl_event_is_programs = gl_event_is_programs || loop;
    own_error_function = own_error_function || error_function;
  }
  pthread_mutex_unlock(&choice_mutex);
  return late ? -1 : 0;
}

/* ---- a program that runs libvirt's loop itself ---- */

static pthread_mutex_t turn_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn_seen = PTHREAD_COND_INITIALIZER;
static unsigned turns;

/* The thread that runs the loop. */
static void on_turn(int timer, void *unused)
{
  (void)unused;
  virEventRemoveTimeout(timer);
  pthread_mutex_lock(&turn_mutex);
  turns++;
  pthread_cond_broadcast(&turn_seen);
  pthread_mutex_unlock(&turn_mutex);
}

/* Waits up to PATIENCE seconds for libvirt's loop to turn; negative if it does not. On any thread but the loop's. */
static int await_turn(void)
{
  struct timespec deadline;
  int rc = 0;
  clock_gettime(CLOCK_REALTIME, &deadline);
  deadline.tv_sec += PATIENCE;
  pthread_mutex_lock(&turn_mutex);
  unsigned before = turns;
  pthread_mutex_unlock(&turn_mutex); /* the program's loop may hold a lock of its own here, and where it calls on_turn */
  if (virEventAddTimeout(0, on_turn, NULL, NULL) < 0)
    return -1;
  pthread_mutex_lock(&turn_mutex);
  while (rc == 0 && turns == before)
    rc = pthread_cond_timedwait(&turn_seen, &turn_mutex, &deadline);
  pthread_mutex_unlock(&turn_mutex);
  return rc == 0 ? 0 : -1;
}

int gl_event_await_turn(gl_op *op)
{
  /* An inline call may be on the very thread that runs the loop. */
  if (op->work.phase != GL_WORK_RUNNING || await_turn() == 0)
    return 0;
  return gl_op_fail(
    op, "no_event_loop",
    "the program that embeds guestlua has said that it runs libvirt's event loop, and it has not run for " TEXT(PATIENCE) " s");
}

/* ---- this library's thread ---- */

static void start(void)
{
  sigset_t all, before;
  pthread_mutex_lock(&choice_mutex);
  decided = true;
  pthread_mutex_unlock(&choice_mutex);
  virInitialize();
  if (!own_error_function)
    virSetErrorFunc(NULL, be_quiet);
  if (gl_event_is_programs) {
    started = true;
    return;
  }
  virEventRegisterDefaultImpl();
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  started = pthread_create(&thread, NULL, event_loop, NULL) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

int gl_event_start(void)
{
  pthread_once(&start_once, start);
  return started ? 0 : -1;
}

static void nothing(int timer, void *unused)
{
  (void)timer;
  (void)unused;
}

void gl_event_stop(void)
{
  if (!started || gl_event_is_programs)
    return;
  atomic_store(&stop, true);
  virEventAddTimeout(0, nothing, NULL, NULL); /* wakes it */
  pthread_join(thread, NULL);
  started = false;
}
