#include "loop/task.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "loop/coroutine.h"
#include "loop/sandbox.h"

/* How deep waits in place may be nested: Lua has room for some 200 calls of C functions in each other, the script's own included. */
#define MAX_IN_PLACE 12

static const char origin_key; /* in the registry: the error that a wait for a task raised last, and where it came from */

gl_task *gl_task_current(lua_State *L, gl_state *s)
{
  return s->running && s->passes && s->active == L && lua_isyieldable(L) ? s->running : NULL;
}

int gl_task_resume_inner(lua_State *L, gl_state *s, lua_State *co, int nargs, int *results)
{
  bool passes = s->passes;
  s->passes = gl_task_current(L, s) != NULL;
  lua_State *active = atomic_exchange(&s->active, co);
  int status = lua_resume(co, L, nargs, results);
  s->active = active;
  s->passes = passes;
  return status;
}

bool gl_task_is_parked(lua_State *L, gl_state *s)
{
  gl_task *t = gl_task_current(L, s);
  return t && t->waits;
}

/* On whose behalf the running code runs, in whatever coroutine that is. */
static gl_task *owner(gl_state *s)
{
  return s->running ? s->running : s->root;
}

/* ---- waiters ---- */

static void waiter_init(gl_waiter *w, gl_task *t)
{
  w->task = t;
  uv_timer_init(&t->state->loop, &w->timer);
  w->timer.data = w;
}

static void make_ready(gl_task *t)
{
  gl_state *s = t->state;
  t->next = NULL;
  *s->ready_end = t;
  s->ready_end = &t->next;
}

/* The end of a wait, for whatever reason. */
static void waiter_wake(gl_waiter *w)
{
  if (!w->waiting)
    return;
  w->waiting = false;
  if (w->list)
    TAILQ_REMOVE(w->list, w, entry);
  w->list = NULL;
  uv_timer_stop(&w->timer);
  gl_task *t = w->task;
  if (t->state->looping)
    uv_stop(&t->state->loop); /* a timer may run out right before uv_run goes to sleep: it must not, there is work now */
  if (w != &t->parked)
    return; /* in place: its loop looks at w->waiting */
  t->waits = NULL;
  make_ready(t);
}

void gl_waitlist_wake(gl_waitlist *list, int count)
{
  for (; count != 0 && !TAILQ_EMPTY(list); count--)
    waiter_wake(TAILQ_FIRST(list));
}

static void on_timer(uv_timer_t *timer)
{
  gl_waiter *w = timer->data;
  w->timed_out = true;
  waiter_wake(w);
}

static void waiter_begin(gl_waiter *w, const gl_wait *wait)
{
  gl_task *t = w->task;
  uv_loop_t *loop = &t->state->loop;
  uv_update_time(loop);
  w->timed_out = false;
  w->waiting = true;
  w->what = wait->what;
  w->op = wait->op;
  w->since = uv_now(loop);
  w->list = wait->list;
  if (w->list)
    TAILQ_INSERT_TAIL(w->list, w, entry);
  if (wait->seconds >= 0) {
    double ms = wait->seconds * 1000;
    uv_timer_start(&w->timer, on_timer, ms < 1e15 ? (uint64_t)ms + (ms > (double)(uint64_t)ms) : (uint64_t)1e15, 0);
  }
  w->outer = t->waits;
  t->waits = w;
}

/* ---- tasks ---- */

static void on_task_closed(uv_handle_t *timer)
{
  gl_waiter *w = timer->data;
  gl_task *t = w->task;
  free(t->traceback);
  free(t);
}

static gl_task *task_new(gl_state *s)
{
  gl_task *t = calloc(1, sizeof *t);
  if (!t)
    return NULL;
  t->state = s;
  t->number = s->tasks_made++;
  TAILQ_INIT(&t->joiners);
  waiter_init(&t->parked, t);
  t->other = s->all;
  t->link = &s->all;
  if (t->other)
    t->other->link = &t->other;
  s->all = t;
  return t;
}

static void drop(gl_task *t)
{
  *t->link = t->other;
  if (t->other)
    t->other->link = t->link;
  uv_close((uv_handle_t *)&t->parked.timer, on_task_closed);
}

void gl_task_root_open(gl_state *s)
{
  s->root = task_new(s);
  if (!s->root)
    luaL_error(s->L, "guestlua: out of memory");
}

void gl_task_close_all(gl_state *s)
{
  while (s->all)
    drop(s->all);
  s->root = s->running = s->main = NULL;
}

/* The message handler of every task: keeps where the error came from, while the stack still shows it. An error that a wait for another task
 * raised comes from there. */
static int on_error(lua_State *L)
{
  gl_task *t = gl_state_get(L)->running;
  luaL_traceback(L, L, NULL, 1);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &origin_key) == LUA_TTABLE) {
    lua_rawgeti(L, -1, 1);
    if (lua_rawequal(L, 1, -1)) {
      lua_rawgeti(L, -2, 2);
      lua_pushfstring(L, "%s\nin a task that was waited for:\n%s", lua_tostring(L, -1), lua_tostring(L, 2));
      lua_replace(L, 2);
    }
  }
  free(t->traceback);
  t->traceback = strdup(lua_tostring(L, 2));
  lua_settop(L, 1);
  return 1;
}

void gl_task_remember_origin(lua_State *L, gl_task *t)
{
  lua_createtable(L, 2, 0);
  lua_pushvalue(L, -2);
  lua_rawseti(L, -2, 1);
  lua_pushstring(L, t->traceback ? t->traceback : "");
  lua_rawseti(L, -2, 2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &origin_key);
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
  gl_sandbox_count_coroutine(s);
  lua_State *co = lua_newthread(L);
  lua_insert(L, -(nargs + 2));
  lua_pushcfunction(co, body);
  if (!lua_checkstack(co, nargs + 1))
    luaL_error(L, "too many arguments");
  lua_xmove(L, co, nargs + 1);
  gl_task *t = task_new(s);
  if (!t)
    luaL_error(L, "guestlua: out of memory");
  t->L = co;
  t->anchor = luaL_ref(L, LUA_REGISTRYINDEX);
  gl_coroutine_hold(L, co, true);
  s->alive.tasks++;
  make_ready(t);
  return t;
}

/* Protected. The error is at index 1; false: it was told to stop, and did. */
static int describe(lua_State *L)
{
  if (lua_istable(L, 1)) {
    lua_pushliteral(L, "kind");
    lua_rawget(L, 1);
    const char *kind = lua_tostring(L, -1);
    if (kind && (strcmp(kind, "cancelled") == 0 || strcmp(kind, "interrupted") == 0)) {
      lua_pushboolean(L, 0);
      return 1;
    }
  }
  luaL_tolstring(L, 1, NULL);
  return 1;
}

static void tell_unheard(gl_task *t)
{
  lua_State *L = t->L;
  lua_settop(L, 1);
  lua_pushcfunction(L, describe);
  lua_pushvalue(L, 1);
  lua_pcall(L, 1, 1, 0);
  if (lua_isstring(L, -1))
    fprintf(stderr, "guestlua: a task failed, and nobody waited for it: %s\n%s\n", lua_tostring(L, -1), t->traceback ? t->traceback : "");
}

void gl_task_free(gl_task *t)
{
  if (t->failed && !t->heard)
    tell_unheard(t);
  luaL_unref(t->state->L, LUA_REGISTRYINDEX, t->anchor);
  drop(t);
}

void gl_task_cancel(gl_task *t, const char *kind)
{
  if (!t->cancelled || strcmp(kind, "interrupted") == 0)
    t->cancelled = kind;
  if (t->waits && !t->shields)
    waiter_wake(t->waits);
}

static void cancel_all(gl_state *s, const char *kind)
{
  for (gl_task *t = s->all; t; t = t->other)
    if (t->L && !t->done)
      gl_task_cancel(t, kind);
}

void gl_task_interrupt(gl_state *s)
{
  if (!s->main && s->alive.tasks > 0)
    cancel_all(s, "interrupted");
  else
    gl_task_cancel(s->main ? s->main : s->root, "interrupted");
}

static void resume(lua_State *L, gl_task *t)
{
  gl_state *s = t->state;
  gl_task *outer = s->running;
  int results;
  /* At its start the stack holds body, the function and its arguments; later the continuation finds its own values. */
  int nargs = lua_status(t->L) == LUA_YIELD ? 0 : lua_gettop(t->L) - 1;
  s->running = t;
  s->timed_out = t->parked.timed_out;
  bool passes = s->passes;
  s->passes = true;
  lua_State *active = atomic_exchange(&s->active, t->L);
  int status = lua_resume(t->L, L, nargs, &results);
  s->active = active;
  s->passes = passes;
  s->running = outer;
  if (status == LUA_YIELD) {
    lua_pop(t->L, results);
    if (!t->waits) /* a plain coroutine.yield(): let the others have a turn */
      make_ready(t);
    return;
  }
  t->done = true;
  t->failed = t->failed || status != LUA_OK;
  s->alive.tasks--;
  gl_waitlist_wake(&t->joiners, -1);
  if (t->ends_all)
    cancel_all(s, "cancelled");
  if (t->abandoned)
    gl_task_free(t);
}

/* One turn of the loop: resumes the task that is ready for the longest time, and looks what libuv has. */
static void turn(lua_State *L, gl_state *s, bool others)
{
  gl_task *next = others ? s->ready : NULL;
  if (next) {
    s->ready = next->next;
    if (!s->ready)
      s->ready_end = &s->ready;
    resume(L, next);
  }
  s->looping = true;
  uv_run(&s->loop, next ? UV_RUN_NOWAIT : UV_RUN_ONCE);
  s->looping = false;
}

void gl_task_join(lua_State *L, gl_task *t)
{
  while (!t->done)
    turn(L, t->state, true);
}

int gl_task_dispatch(lua_State *L, gl_state *s)
{
  int limit = s->alive.tasks + 1; /* tasks that only yield must not keep the program here for ever */
  s->dispatching = true;
  do {
    s->looping = true;
    uv_run(&s->loop, UV_RUN_NOWAIT);
    s->looping = false;
    if (s->ready)
      turn(L, s, true);
  } while (s->ready && limit-- > 0);
  s->dispatching = false;
  return s->alive.tasks;
}

void gl_task_end_all(lua_State *L, gl_state *s)
{
  cancel_all(s, "cancelled");
  while (s->alive.tasks > 0)
    turn(L, s, true);
}

/* ---- waiting ---- */

double gl_time(void)
{
  return (double)uv_hrtime() / 1e9;
}

double gl_time_left(double deadline)
{
  double left = deadline - gl_time();
  return isinf(deadline) ? -1 : left > 0 ? left : 0;
}

bool gl_task_timed_out(lua_State *L)
{
  return gl_state_get(L)->timed_out;
}

const char *gl_task_cancelled(lua_State *L)
{
  gl_task *t = owner(gl_state_get(L));
  const char *kind = t->shields ? NULL : t->cancelled;
  if (kind)
    t->cancelled = NULL;
  return kind;
}

void gl_task_check(lua_State *L)
{
  const char *kind = gl_task_cancelled(L);
  if (kind)
    gl_error_throw(L, kind, "%s", kind);
}

static void on_waiter_closed(uv_handle_t *timer)
{
  free(timer->data);
}

static void wait_in_place(lua_State *L, gl_state *s, const gl_wait *wait)
{
  if (s->looping)
    gl_error_throw(L, "bad_argument", "a callback of the loop cannot wait: start a task in it, guestlua.spawn(function() … end)");
  bool others = s->in_place < MAX_IN_PLACE;
  if (wait->by_tasks && !others)
    gl_error_throw(L, "too_deep",
                   "waits in functions that cannot yield (in table.sort, gsub, __gc) are nested too deep: wait before or after");
  gl_waiter *w = calloc(1, sizeof *w);
  if (!w)
    luaL_error(L, "guestlua: out of memory");
  waiter_init(w, owner(s));
  waiter_begin(w, wait);
  s->in_place++;
  while (w->waiting)
    turn(L, s, others);
  s->in_place--;
  w->task->waits = w->outer;
  s->timed_out = w->timed_out;
  uv_close((uv_handle_t *)&w->timer, on_waiter_closed);
}

int gl_task_wait(lua_State *L, gl_wait wait, lua_KContext ctx, lua_KFunction k)
{
  gl_state *s = gl_state_get(L);
  if (!pthread_equal(s->thread, pthread_self()))
    gl_error_throw(L, "wrong_thread", "this Lua state belongs to another thread, the one that opened guestlua in it");
  gl_task_check(L);
  gl_task *t = gl_task_current(L, s);
  if (t) {
    waiter_begin(&t->parked, &wait);
    return lua_yieldk(L, 0, ctx, k);
  }
  wait_in_place(L, s, &wait);
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
  return gl_task_wait(L, (gl_wait){.seconds = lua_tonumber(L, 1), .what = "sleep"}, 0, slept);
}

int gl_task_check_cancelled(lua_State *L)
{
  gl_task_check(L);
  return 0;
}

static int unshield(lua_State *L, int status, lua_KContext ctx)
{
  ((gl_task *)ctx)->shields--;
  return status == LUA_OK || status == LUA_YIELD ? lua_gettop(L) : lua_error(L);
}

/* core.shield(fn, …): calls fn with the cancelling of this task put off until it is over: for what undoes something. */
int gl_task_shield(lua_State *L)
{
  gl_task *t = owner(gl_state_get(L));
  t->shields++;
  return unshield(L, lua_pcallk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, (lua_KContext)t, unshield), (lua_KContext)t);
}

static void exchange(lua_State *L, int index, double *value)
{
  double before = *value;
  *value = luaL_checknumber(L, index);
  lua_pushnumber(L, before);
  lua_replace(L, index);
}

static int limit_over(lua_State *L, int status, lua_KContext ctx)
{
  gl_task *t = (gl_task *)ctx;
  exchange(L, 1, &t->calls_end);
  exchange(L, 2, &t->each_call);
  return status == LUA_OK || status == LUA_YIELD ? lua_gettop(L) - 2 : lua_error(L);
}

int gl_task_within(lua_State *L)
{
  gl_task *t = owner(gl_state_get(L));
  luaL_checknumber(L, 2);
  exchange(L, 1, &t->calls_end);
  exchange(L, 2, &t->each_call);
  return limit_over(L, lua_pcallk(L, lua_gettop(L) - 3, LUA_MULTRET, 0, (lua_KContext)t, limit_over), (lua_KContext)t);
}

/* ---- for people ---- */

static void push_wait(lua_State *L, const gl_waiter *w)
{
  const gl_op *op = w->op;
  if (!op)
    lua_pushstring(L, w->what);
  else if (op->guest)
    lua_pushfstring(L, "%s of guest '%s'%s%s", op->def->call ? op->def->call : op->def->name, op->guest, op->disk ? ", disk " : "",
                    op->disk ? op->disk : "");
  else
    lua_pushstring(L, op->def->call ? op->def->call : op->def->name);
  lua_setfield(L, -2, "what");
  lua_pushnumber(L, (lua_Number)(uv_now(&w->task->state->loop) - w->since) / 1000);
  lua_setfield(L, -2, "seconds");
}

int gl_task_list(lua_State *L)
{
  gl_state *s = gl_state_get(L);
  uv_update_time(&s->loop);
  bool collects = lua_gc(L, LUA_GCISRUNNING);
  lua_gc(L, LUA_GCSTOP); /* a finalizer may wait, and tasks end meanwhile */
  lua_newtable(L);
  for (gl_task *t = s->all; t; t = t->other) {
    if (t->done || !t->L)
      continue;
    lua_createtable(L, 0, 4);
    lua_pushinteger(L, t->number);
    lua_setfield(L, -2, "number");
    if (t->waits)
      push_wait(L, t->waits);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  }
  if (collects)
    lua_gc(L, LUA_GCRESTART);
  return 1;
}

#ifdef __SANITIZE_THREAD__
#include <setjmp.h>

/* liblua may have been built to jump with this (_FORTIFY_SOURCE), which the sanitizer does not know of: its own stack then grows with each
 * yield and each error until it is full. */
__attribute__((visibility("default"))) void __longjmp_chk(jmp_buf env, int value);
void __longjmp_chk(jmp_buf env, int value)
{
  longjmp(env, value);
}
#endif
