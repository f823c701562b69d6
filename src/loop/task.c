#include "loop/task.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/printable.h"
#include "loop/sandbox.h"
#include "loop/scope.h"
#include "loop/slice.h"

static const char held_key;   /* in the registry: a set of the coroutines that only the loop may resume, with weak keys */
static const char origin_key; /* in the registry: the last error raised by a wait for a task, and its origin */

bool gl_task_is_stopped(const gl_task *t)
{
  return t->cancelled && !t->shields && strcmp(t->cancelled, "interrupted") == 0;
}

void gl_task_stop_if_asked(const gl_task *t, lua_State *co)
{
  if (gl_task_is_stopped(t))
    t->state->hooks.stop(t->state, co);
}

int gl_task_resume_inner(lua_State *L, gl_state *s, lua_State *co, int nargs, int *results)
{
  bool passes = s->passes;
  if (!LIST_EMPTY(&s->aside))
    gl_scope_take_up(s->running, co);
  s->passes = gl_task_current(L, s) != NULL;
  lua_State *active = atomic_exchange(&s->active, co);
  gl_task_stop_if_asked(s->running, co);
  int status = lua_resume(co, L, nargs, results);
  s->active = active;
  s->passes = passes;
  if (gl_scope_is_in(s->running, co) && !(status == LUA_YIELD && gl_task_is_parked(L, s))) {
    gl_scope_set_aside(s->running, co);
    gl_task_stop_if_asked(s->running, L);
  }
  return status;
}

bool gl_task_is_parked(lua_State *L, gl_state *s)
{
  gl_task *t = gl_task_current(L, s);
  return t && (t->waits || t->cut);
}

/* Lua thread, in a hook: what computes is cut if its slice is over and it can be. */
static void cut(lua_State *L, gl_state *s, lua_Debug *ar)
{
  if (!s->slice.over || gl_state_is_own(L, ar) || !gl_task_current(L, s) || !gl_slice_is_wanted(s))
    return;
  s->slice.over = false;
  s->running->cut = true;
  lua_yield(L, 0);
}

/* ---- coroutines that only the loop may resume ---- */

void gl_task_hold(lua_State *L, lua_State *co, bool hold)
{
  lua_rawgetp(L, LUA_REGISTRYINDEX, &held_key);
  lua_pushthread(co);
  lua_xmove(co, L, 1);
  lua_pushboolean(L, hold);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

bool gl_task_is_held(lua_State *L, int index)
{
  lua_rawgetp(L, LUA_REGISTRYINDEX, &held_key);
  lua_pushvalue(L, index);
  lua_rawget(L, -2);
  bool held = lua_toboolean(L, -1);
  lua_pop(L, 2);
  return held && lua_status(lua_tothread(L, index)) == LUA_YIELD;
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
  gl_waiter_init(&t->parked, s, t);
  t->other = s->all;
  t->link = &s->all;
  if (t->other)
    t->other->link = &t->other;
  s->all = t;
  return t;
}

static void drop(gl_task *t)
{
  gl_scope_forget(t);
  *t->link = t->other;
  if (t->other)
    t->other->link = t->link;
  uv_close((uv_handle_t *)&t->parked.timer, on_task_closed);
}

static void close_all(gl_state *s)
{
  while (s->all)
    drop(s->all);
  s->root = s->running = s->main = NULL;
}

void gl_task_open(lua_State *L, gl_state *s)
{
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "k");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &held_key);
  gl_state_at_close(s, close_all);
  s->hooks.cut = cut;
  s->root = s->running = task_new(s);
  if (!s->root)
    luaL_error(L, "guestlua: out of memory");
}

/* The message handler of every task: keeps the error's origin, while the stack still shows it. An error raised by a wait for another task
 * originates in that task. */
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
  if (gl_sandbox_is_used_up(s) && !s->running->shields)
    gl_sandbox_stop(L);
  lua_State *co = lua_newthread(L);
  lua_insert(L, -(nargs + 2));
  lua_pushcfunction(co, body);
  if (!lua_checkstack(co, nargs + 1))
    luaL_error(L, "too many arguments");
  lua_xmove(L, co, nargs + 1);
  gl_task_hold(L, co, true);
  int anchor = luaL_ref(L, LUA_REGISTRYINDEX);
  gl_task *t = task_new(s); /* after all that can raise */
  if (!t) {
    luaL_unref(L, LUA_REGISTRYINDEX, anchor);
    luaL_error(L, "guestlua: out of memory");
  }
  t->L = co;
  t->anchor = anchor;
  s->alive.tasks++;
  STAILQ_INSERT_TAIL(&s->ready, t, entry);
  gl_slice_begin(s);
  return t;
}

/* Protected. The error is at index 1, and at 2 its traceback in C's memory, or NULL. Text for people; false: it was asked to stop, and did,
 * or has to with the main task. */
static int describe(lua_State *L)
{
  if (lua_istable(L, 1)) {
    lua_pushliteral(L, "kind");
    lua_rawget(L, 1);
    const char *kind = lua_tostring(L, -1);
    bool known = strcmp(kind ? kind : "", "limit") == 0 && gl_state_get(L)->main;
    if (kind && (known || strcmp(kind, "cancelled") == 0 || strcmp(kind, "interrupted") == 0)) {
      lua_pushboolean(L, 0);
      return 1;
    }
  }
  const char *traceback = lua_touserdata(L, 2);
  luaL_tolstring(L, 1, NULL);
  gl_printable_push(L, -1, GL_INDENT_LINES);
  lua_pushstring(L, traceback ? traceback : "");
  gl_printable_push(L, -1, GL_INDENT_LINES);
  lua_pushfstring(L, "%s\n%s", lua_tostring(L, -3), lua_tostring(L, -1));
  return 1;
}

/* Nobody would catch an error here: what may raise one is in describe. */
static void report_unheard(gl_task *t)
{
  lua_State *L = t->L;
  lua_copy(L, -1, 1); /* the error is on top: the only value, unless it was raised outside of the task's function */
  lua_settop(L, 1);
  lua_pushcfunction(L, describe);
  lua_pushvalue(L, 1);
  lua_pushlightuserdata(L, t->traceback);
  lua_pcall(L, 2, 1, 0);
  if (lua_isstring(L, -1))
    fprintf(stderr, "guestlua: a task failed, and nobody waited for it: %s\n", lua_tostring(L, -1));
}

void gl_task_free(gl_task *t)
{
  if (t->failed && !t->heard)
    report_unheard(t);
  luaL_unref(t->state->L, LUA_REGISTRYINDEX, t->anchor);
  drop(t);
}

void gl_task_cancel(gl_task *t, const char *kind)
{
  if (!t->cancelled || strcmp(kind, "interrupted") == 0)
    t->cancelled = kind;
  if (t->waits && !t->shields)
    gl_waiter_wake(t->waits);
}

static void cancel_all(gl_state *s, const char *kind)
{
  for (gl_task *t = s->all; t; t = t->other)
    if (t->L && !t->done)
      gl_task_cancel(t, kind);
}

void gl_task_interrupt_others(gl_state *s)
{
  gl_task *main = s->main ? s->main : s->root;
  if (!main->ends_all)
    return;
  for (gl_task *t = s->all; t; t = t->other)
    if (t->L && !t->done && !t->waits && t != main && t != s->running)
      gl_task_cancel(t, "interrupted");
}

void gl_task_interrupt(gl_state *s)
{
  if (!s->main && s->alive.tasks > 0) {
    cancel_all(s, "interrupted");
    return;
  }
  gl_task_interrupt_others(s);
  gl_task_cancel(s->main ? s->main : s->root, "interrupted");
}

/* Its function has returned, or has failed. */
static void end(gl_task *t, int status)
{
  gl_state *s = t->state;
  t->done = true;
  t->failed = t->failed || status != LUA_OK;
  s->alive.tasks--;
  gl_waitlist_wake(&t->joiners, -1);
  if (t->ends_all)
    cancel_all(s, "cancelled");
  else if (t->failed && gl_sandbox_is_used_up(s) && !s->limit.over) {
    s->limit.over = true;
    cancel_all(s, "limit");
  }
  if (t->abandoned)
    gl_task_free(t);
}

void gl_task_run_next(lua_State *L, gl_state *s)
{
  s->cut_was_last = !STAILQ_EMPTY(&s->cut) && !(s->cut_was_last && !STAILQ_EMPTY(&s->ready));
  gl_ready_list *list = s->cut_was_last ? &s->cut : &s->ready;
  gl_task *t = STAILQ_FIRST(list), *outer = s->running;
  int results;
  if (!t)
    return;
  STAILQ_REMOVE_HEAD(list, entry);
  /* At its start the stack holds body, the function and its arguments; later the continuation finds its own values. */
  int nargs = lua_status(t->L) == LUA_YIELD ? 0 : lua_gettop(t->L) - 1;
  if (s->limit.counts)
    gl_sandbox_turn(s);
  s->running = t;
  t->cut = false;
  s->timed_out = t->parked.timed_out;
  s->given = t->parked.given;
  bool passes = s->passes;
  s->passes = true;
  lua_State *active = atomic_exchange(&s->active, t->L);
  if (t->cancelled)
    gl_task_stop_if_asked(t, t->L);
  s->slice.turns++;
  gl_slice_begin(s);
  int status = lua_resume(t->L, L, nargs, &results);
  s->active = active;
  s->passes = passes;
  if (s->limit.counts)
    gl_sandbox_turn(s);
  s->running = outer;
  if (status != LUA_YIELD) {
    end(t, status);
    return;
  }
  lua_pop(t->L, results);
  if (t->cut)
    STAILQ_INSERT_TAIL(&s->cut, t, entry);
  else if (!t->waits) /* a plain coroutine.yield(): let the others have a turn */
    STAILQ_INSERT_TAIL(&s->ready, t, entry);
}

void gl_task_join(lua_State *L, gl_task *t)
{
  while (!t->done) {
    gl_state_turn(t->state, true, true);
    gl_task_run_next(L, t->state);
  }
}

int gl_task_dispatch(lua_State *L, gl_state *s)
{
  int limit = s->alive.tasks + 1; /* tasks that only yield must not keep the program here forever */
  s->dispatching = true;
  gl_state_turn(s, true, false);
  while (gl_state_is_ready(s) && limit-- >= 0) {
    gl_task_run_next(L, s);
    gl_state_turn(s, true, false);
  }
  s->dispatching = false;
  return s->alive.tasks;
}

void gl_task_end_all(lua_State *L, gl_state *s)
{
  cancel_all(s, "cancelled");
  while (s->alive.tasks > 0) {
    gl_state_turn(s, true, true);
    gl_task_run_next(L, s);
  }
}
