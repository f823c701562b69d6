#include "loop/park.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "base/error.h"
#include "loop/sandbox.h"
#include "loop/scope.h"
#include "loop/slice.h"
#include "loop/task.h"

/* The greatest depth of nested waits in place: Lua has room for some 200 nested calls of C functions, the script's own included. */
#define MAX_IN_PLACE 12

_Noreturn void gl_task_raise(lua_State *L, gl_state *s, const char *kind)
{
  if (gl_sandbox_is_used_up(s))
    gl_sandbox_stop(L);
  gl_error_throw(L, kind, "%s", kind);
}

void gl_task_check(lua_State *L, gl_state *s)
{
  const char *kind = gl_task_cancelled(s);
  if (kind)
    gl_task_raise(L, s, kind);
}

void gl_task_check_given(lua_State *L, gl_state *s, gl_waitlist *list)
{
  if (s->given && s->running->cancelled && !s->running->shields)
    gl_waitlist_wake(list, 1);
  gl_task_check(L, s);
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
  gl_waiter_init(w, s, s->running);
  gl_waiter_begin(w, wait);
  w->outer = w->task->waits;
  w->task->waits = w;
  s->in_place++;
  while (w->waiting) {
    gl_state_turn(s, others, true);
    if (others && w->waiting)
      gl_task_run_next(L, s);
  }
  s->in_place--;
  w->task->waits = w->outer;
  s->timed_out = w->timed_out;
  s->given = w->given;
  uv_close((uv_handle_t *)&w->timer, on_waiter_closed);
  gl_slice_begin(s);
}

int gl_task_park(lua_State *L, gl_state *s, const gl_wait *wait, lua_KContext ctx, lua_KFunction k)
{
  gl_task *t = gl_task_current(L, s);
  if (t) {
    gl_waiter_begin(&t->parked, wait);
    t->waits = &t->parked;
    return lua_yieldk(L, 0, ctx, k);
  }
  wait_in_place(L, s, wait);
  return k(L, LUA_OK, ctx);
}

int gl_task_wait(lua_State *L, gl_wait wait, lua_KContext ctx, lua_KFunction k)
{
  gl_state *s = gl_state_get(L);
  gl_state_check_here(L, s, wait.what ? wait.what : "wait");
  gl_task_check(L, s);
  return gl_task_park(L, s, &wait, ctx, k);
}

static int slept(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  (void)ctx;
  gl_task_check(L, gl_state_get(L));
  return 0;
}

int gl_task_sleep(lua_State *L)
{
  return gl_task_wait(L, (gl_wait){.seconds = lua_tonumber(L, 1), .what = "sleep"}, 0, slept);
}

int gl_task_check_cancelled(lua_State *L)
{
  gl_task_check(L, gl_state_get(L));
  return 0;
}

/* The stack: the scope, and what the function returned. */
static int scope_over(lua_State *L, int status, lua_KContext ctx)
{
  gl_scope *scope = (gl_scope *)ctx;
  gl_scope_end(scope);
  gl_task_stop_if_asked(scope->state->running, L);
  return status == LUA_OK || status == LUA_YIELD ? lua_gettop(L) - 1 : lua_error(L);
}

/* The stack: the function, its arguments and, on top, the scope that holds while it is called. */
static int call_in(lua_State *L, gl_scope *scope)
{
  lua_insert(L, 1);
  return scope_over(L, lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, (lua_KContext)scope, scope_over), (lua_KContext)scope);
}

/* core.shield(fn, …): calls fn and delays cancellation of this task until it has returned: for undo code. */
int gl_task_shield(lua_State *L)
{
  return call_in(L, gl_scope_begin(L, gl_state_get(L)->running, true, 0, 0));
}

int gl_task_within(lua_State *L)
{
  double calls_end = luaL_checknumber(L, 1), each_call = luaL_checknumber(L, 2);
  lua_rotate(L, 1, -2);
  lua_settop(L, -3);
  return call_in(L, gl_scope_begin(L, gl_state_get(L)->running, false, calls_end, each_call));
}

int gl_task_calls_end(lua_State *L)
{
  double end = gl_state_get(L)->running->calls_end;
  if (end > 0)
    lua_pushnumber(L, end);
  else
    lua_pushnil(L);
  return 1;
}

/* ---- for people ---- */

static void push_wait(lua_State *L, const gl_waiter *w)
{
  if (w->wait.what)
    lua_pushstring(L, w->wait.what);
  else
    w->wait.describe(L, w->wait.about);
  lua_setfield(L, -2, "what");
  lua_pushnumber(L, (lua_Number)(uv_now(&w->state->loop) - w->since) / 1000);
  lua_setfield(L, -2, "seconds");
}

int gl_task_list(lua_State *L)
{
  gl_state *s = gl_state_get(L);
  uv_update_time(&s->loop);
  bool collects = lua_gc(L, LUA_GCISRUNNING);
  lua_gc(L, LUA_GCSTOP); /* a finalizer may wait, and tasks may end meanwhile */
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
