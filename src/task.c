#include "task.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

gl_task *gl_task_current(lua_State *L, gl_state *s)
{
  gl_task *t = s->running;
  return t && t->L == L && lua_isyieldable(L) ? t : NULL;
}

static gl_task *waiter(lua_State *L, gl_state *s)
{
  gl_task *t = gl_task_current(L, s);
  return t ? t : s->idle;
}

gl_task *gl_task_waiter(lua_State *L)
{
  return waiter(L, gl_state_get(L));
}

static void on_timer_closed(uv_handle_t *timer)
{
  gl_task *t = timer->data;
  free(t->traceback);
  free(t);
}

static void init(gl_task *t, gl_state *s)
{
  t->state = s;
  uv_timer_init(&s->loop, &t->timer);
  t->timer.data = t;
  t->other = s->all;
  t->link = &s->all;
  if (t->other)
    t->other->link = &t->other;
  s->all = t;
}

static void drop(gl_task *t)
{
  *t->link = t->other;
  if (t->other)
    t->other->link = t->link;
  uv_close((uv_handle_t *)&t->timer, on_timer_closed);
}

void gl_task_idle_open(gl_state *s)
{
  s->idle = calloc(1, sizeof *s->idle);
  if (!s->idle)
    luaL_error(s->L, "guestlua: out of memory");
  init(s->idle, s);
}

void gl_task_close_all(gl_state *s)
{
  while (s->all)
    drop(s->all);
  s->idle = s->running = s->main = NULL;
}

static void make_ready(gl_task *t)
{
  gl_state *s = t->state;
  t->next = NULL;
  *s->ready_end = t;
  s->ready_end = &t->next;
}

/* The message handler of every task: keeps where the error came from, while the stack still shows it. */
static int on_error(lua_State *L)
{
  gl_task *t = gl_state_get(L)->running;
  luaL_traceback(L, L, NULL, 1);
  free(t->traceback);
  t->traceback = strdup(lua_tostring(L, -1));
  lua_pop(L, 1);
  return 1;
}

static int finish(lua_State *L, int status, lua_KContext ctx)
{
  (void)ctx;
  gl_state_get(L)->running->failed = status != LUA_OK && status != LUA_YIELD;
  return lua_gettop(L) - 1;
}

/* The function at the bottom of each task's stack. The call is protected here and not by lua_resume, so that to-be-closed variables can
 * make calls (and yield) while an error unwinds. */
static int body(lua_State *L)
{
  lua_pushcfunction(L, on_error);
  lua_insert(L, 1);
  return finish(L, lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 1, 0, finish), 0);
}

gl_task *gl_task_spawn(lua_State *L, int nargs)
{
  gl_state *s = gl_state_get(L);
  lua_State *co = lua_newthread(L);
  lua_insert(L, -(nargs + 2));
  lua_pushcfunction(co, body);
  lua_xmove(L, co, nargs + 1);
  gl_task *t = calloc(1, sizeof *t);
  if (!t)
    luaL_error(L, "guestlua: out of memory");
  init(t, s);
  t->L = co;
  t->anchor = luaL_ref(L, LUA_REGISTRYINDEX);
  s->alive.tasks++;
  make_ready(t);
  return t;
}

void gl_task_free(gl_task *t)
{
  luaL_unref(t->state->L, LUA_REGISTRYINDEX, t->anchor);
  drop(t);
}

static void resume(gl_task *t)
{
  gl_state *s = t->state;
  int results;
  /* At its start the stack holds body, the function and its arguments; later the continuation finds its own values. */
  int nargs = lua_status(t->L) == LUA_YIELD ? 0 : lua_gettop(t->L) - 1;
  s->running = t;
  int status = lua_resume(t->L, s->L, nargs, &results);
  s->running = NULL;
  if (status == LUA_YIELD) {
    lua_pop(t->L, results);
    if (!t->waiting) /* a plain coroutine.yield(): let the others have a turn */
      make_ready(t);
    return;
  }
  t->done = true;
  t->failed = t->failed || status != LUA_OK;
  s->alive.tasks--;
  if (t->joiner)
    gl_task_wake(t->joiner);
  if (t->abandoned)
    gl_task_free(t);
}

/* One turn of the loop: resumes the task that is ready for the longest time, and looks what libuv has. */
static void turn(gl_state *s)
{
  gl_task *next = s->ready;
  if (next) {
    s->ready = next->next;
    if (!s->ready)
      s->ready_end = &s->ready;
    resume(next);
  }
  uv_run(&s->loop, next ? UV_RUN_NOWAIT : UV_RUN_ONCE);
}

void gl_task_join(gl_task *t)
{
  while (!t->done)
    turn(t->state);
}

void gl_task_end_all(gl_state *s)
{
  for (gl_task *t = s->all; t; t = t->other)
    if (t->L && !t->done)
      gl_task_cancel(t, "cancelled");
  while (s->alive.tasks > 0)
    turn(s);
}

void gl_task_wake(gl_task *t)
{
  if (!t->waiting)
    return;
  t->waiting = false;
  uv_timer_stop(&t->timer);
  uv_stop(&t->state->loop); /* a timer may run out right before uv_run goes to sleep: it must not, there is work now */
  if (t->L)
    make_ready(t);
}

void gl_task_cancel(gl_task *t, const char *kind)
{
  t->cancelled = kind;
  gl_task_wake(t);
}

static void on_timer(uv_timer_t *timer)
{
  gl_task *t = timer->data;
  t->timed_out = true;
  gl_task_wake(t);
}

const char *gl_task_cancelled(gl_task *t)
{
  const char *kind = t->cancelled;
  t->cancelled = NULL;
  return kind;
}

void gl_task_check(lua_State *L)
{
  const char *kind = gl_task_cancelled(gl_task_waiter(L));
  if (kind)
    gl_error_throw(L, kind, "%s", kind);
}

int gl_task_wait(lua_State *L, double seconds, lua_KContext ctx, lua_KFunction k)
{
  gl_task *t = gl_task_waiter(L);
  gl_state *s = t->state;
  if (t->cancelled) /* asked for while it was not waiting */
    gl_task_check(L);
  t->timed_out = false;
  t->waiting = true;
  if (seconds >= 0) {
    uv_update_time(&s->loop);
    double ms = seconds * 1000;
    uv_timer_start(&t->timer, on_timer, ms < 1e15 ? (uint64_t)ms + (ms > (double)(uint64_t)ms) : (uint64_t)1e15, 0);
  }
  if (t->L)
    return lua_yieldk(L, 0, ctx, k);
  while (t->waiting)
    uv_run(&s->loop, UV_RUN_ONCE);
  return k(L, LUA_OK, ctx);
}

static int slept(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  (void)ctx;
  gl_task_check(L);
  return 0;
}

int gl_task_sleep(lua_State *L)
{
  return gl_task_wait(L, lua_tonumber(L, 1), 0, slept);
}
