#define _GNU_SOURCE /* gettid */
#include "loop/slice.h"

#include <errno.h>
#include <lauxlib.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"

/* Nobody is harmed by one too many of it: by default it is ignored. */
#define SLICE_SIGNAL SIGURG

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static struct sigaction before; /* the program's */

/* Lua thread, in the middle of some Lua code. */
static void on_slice(lua_State *L, lua_Debug *ar)
{
  lua_sethook(L, NULL, 0, 0);
  gl_state *s = gl_state_get(L);
  s->hooks.cut(L, s, ar);
}

void gl_slice_arm(gl_state *s)
{
  const struct itimerspec once = {.it_value = {.tv_sec = s->slice.ms / 1000, .tv_nsec = s->slice.ms % 1000 * 1000000L}};
  s->slice.armed = timer_settime(s->slice.timer, 0, &once, NULL) == 0;
}

enum { BREAKS = 16 };

static atomic_int breaking; /* states with breaks left */

static void on_signal(int signo, siginfo_t *info, void *context);

static void catch_with(int flags, struct sigaction *old)
{
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | flags};
  sigaction(SLICE_SIGNAL, &action, old);
}

void gl_slice_break(gl_state *s)
{
  if (s->slice.has_timer && atomic_exchange(&s->slice.breaks, BREAKS) == 0 && atomic_fetch_add(&breaking, 1) == 0)
    catch_with(0, NULL);
}

void gl_slice_broken(gl_state *s)
{
  if (atomic_exchange(&s->slice.breaks, 0) > 0 && atomic_fetch_sub(&breaking, 1) == 1)
    catch_with(SA_RESTART, NULL);
}

/* The state's thread, wherever it is. */
static void on_signal(int signo, siginfo_t *info, void *context)
{
  int why = errno;
  gl_state *s = info->si_code == SI_TIMER ? gl_state_find(info->si_value.sival_ptr) : NULL;
  if (s && s->slice.ms) {
    lua_State *active = atomic_load(&s->active);
    active = s->looping ? NULL : active;                       /* what waits in place does not compute */
    s->slice.over = active && s->slice.seen == s->slice.turns; /* since the timer was armed no other task has begun */
    if (s->slice.over && !lua_gethook(active))                 /* a debugger's, or that of an interrupt, is left alone */
      lua_sethook(active, on_slice, LUA_MASKCOUNT, 1);
    s->slice.seen = s->slice.turns;
    s->slice.armed = false;
    int breaks = atomic_load(&s->slice.breaks);
    if (breaks == 1)
      gl_slice_broken(s);
    else if (breaks)
      atomic_store(&s->slice.breaks, breaks - 1);
    if (active)
      gl_slice_arm(s);
  } else if (!s && before.sa_flags & SA_SIGINFO) {
    before.sa_sigaction(signo, info, context);
  } else if (!s && before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
    before.sa_handler(signo);
  }
  errno = why;
}

static void catch_signal(void)
{
  catch_with(SA_RESTART, &before);
}

static void end(gl_state *s)
{
  gl_slice_broken(s);
  if (s->slice.has_timer)
    timer_delete(s->slice.timer);
  s->slice.has_timer = false;
  s->slice.ms = 0;
}

int gl_slice_set(gl_state *s, unsigned milliseconds)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  if (milliseconds && !s->slice.has_timer) {
    pthread_once(&once, catch_signal);
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SLICE_SIGNAL, .sigev_value.sival_ptr = s->L};
    event.sigev_notify_thread_id = gettid();
    if (timer_create(CLOCK_MONOTONIC, &event, &s->slice.timer) < 0)
      return -1;
    s->slice.has_timer = true;
  }
  s->slice.ms = milliseconds;
  gl_slice_begin(s);
  return 0;
}

/* core.slice(milliseconds) */
static int slice(lua_State *L)
{
  lua_Integer ms = luaL_checkinteger(L, 1);
  luaL_argcheck(L, ms >= 0 && ms <= INT_MAX, 1, "so many milliseconds are not to be had");
  if (gl_slice_set(gl_state_get(L), (unsigned)ms) < 0)
    gl_error_throw(L, "system_error", "slice: no timer: %s", strerror(errno));
  return 0;
}

void gl_slice_open(lua_State *L, gl_state *s)
{
  gl_state_at_close(s, end);
  lua_pushcfunction(L, slice);
  lua_setfield(L, -2, "slice");
}
