/* The thread that runs libvirt's event loop, one a process. */
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "event.h"

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

/* libvirt prints every error on standard error where nobody says otherwise; here they are raised. */
static void be_quiet(void *unused, virErrorPtr error)
{
  (void)unused;
  (void)error;
}

static void start(void)
{
  sigset_t all, before;
  virInitialize();
  virSetErrorFunc(NULL, be_quiet);
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
  if (!started)
    return;
  atomic_store(&stop, true);
  virEventAddTimeout(0, nothing, NULL, NULL); /* wakes it */
  pthread_join(thread, NULL);
  started = false;
}
