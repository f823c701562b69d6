/* The public functions: running Lua code. */
#include <lauxlib.h>

#include "guestlua.h"
#include "loop/interrupt.h"
#include "module/api_thread.h"
#include "module/task_class.h"

typedef struct running {
  gl_state *state;
  gl_task *task;
  int status;
} running;

/* Pushes the outcome of a task. `keep`: it may be asked for again. Returns the number of values. */
static int push_end(lua_State *L, running *r, bool keep)
{
  gl_task *t = r->task;
  int count = t->failed ? 1 : lua_gettop(t->L);
  luaL_checkstack(L, count + 2, "too many results");
  r->status = t->failed ? LUA_ERRRUN : LUA_OK;
  t->heard = true;
  for (int i = lua_gettop(t->L) - count + 1; keep && i <= lua_gettop(t->L); i++) {
    lua_pushvalue(t->L, i);
    lua_xmove(t->L, L, 1);
  }
  if (!keep)
    lua_xmove(t->L, L, count);
  if (t->failed)
    lua_pushstring(L, t->traceback ? t->traceback : "");
  return t->failed ? 2 : count;
}

/* Protected. The stack: the running, the function and its arguments. */
static int run(lua_State *L)
{
  running *r = lua_touserdata(L, 1);
  gl_state *s = r->state;
  gl_task *outer = s->main;
  bool outermost = !outer && s->running == s->root;
  lua_remove(L, 1);
  gl_task *t = r->task = gl_task_spawn(L, lua_gettop(L) - 1);
  s->main = t;
  t->ends_all = outermost; /* nobody is left to wait for tasks that the function left running */
  gl_task_join(L, t);
  if (outermost)
    gl_task_end_all(L, s);
  s->main = outer;
  return push_end(L, r, false);
}

/* Calls fn(r, …) with the nargs values on top of the stack. Nothing here allocates outside the call. */
static int protected(lua_State *L, lua_CFunction fn, running *r, int nargs)
{
  lua_checkstack(L, 4);
  lua_pushcfunction(L, fn);
  lua_insert(L, -(nargs + 1));
  lua_pushlightuserdata(L, r);
  lua_insert(L, -(nargs + 1));
  int status = lua_pcall(L, nargs + 1, LUA_MULTRET, 0);
  if (status == LUA_OK)
    return r->status;
  gl_state_push_empty(L); /* for the traceback */
  return status == LUA_ERRMEM ? LUA_ERRMEM : LUA_ERRRUN;
}

int guestlua_run(lua_State *L, int nargs)
{
  running r = {.state = gl_api_state(L)};
  if (!r.state)
    return GUESTLUA_WRONG_THREAD;
  if (r.state->looping)
    return GUESTLUA_NESTED;
  int status = protected(L, run, &r, nargs + 1);
  if (r.task)
    gl_task_free(r.task);
  return status;
}

int guestlua_spawn(lua_State *L, int nargs)
{
  if (!gl_api_state(L))
    return GUESTLUA_WRONG_THREAD;
  lua_checkstack(L, 2);
  lua_pushcfunction(L, gl_task_spawn_here);
  lua_insert(L, -(nargs + 2));
  return lua_pcall(L, nargs + 1, 1, 0);
}

static int result(lua_State *L)
{
  return push_end(L, lua_touserdata(L, 1), true);
}

int guestlua_result(lua_State *L, int index)
{
  running r = {.state = gl_api_state(L)};
  if (!r.state)
    return GUESTLUA_WRONG_THREAD;
  r.task = gl_task_at(L, index);
  if (!r.task)
    return LUA_ERRERR;
  return r.task->done ? protected(L, result, &r, 0) : GUESTLUA_RUNNING;
}

void guestlua_interrupt(lua_State *L, int signo)
{
  gl_state *s = gl_state_find(L);
  if (s)
    gl_interrupt(s, signo ? signo : -1);
}

void guestlua_status(lua_State *L)
{
  gl_state *s = gl_state_find(L);
  if (s)
    gl_interrupt_for_status(s);
}

const char *guestlua_text(lua_State *L, int index)
{
  index = lua_absindex(L, index);
  lua_pushcfunction(L, gl_api_to_text);
  lua_pushvalue(L, index);
  if (lua_pcall(L, 1, 1, 0) == LUA_OK)
    return lua_tostring(L, -1);
  lua_pop(L, 1);
  gl_state_push_empty(L);
  return "an error that has no text";
}

/* ---- a program's own loop ---- */

int guestlua_fd(lua_State *L)
{
  gl_state *s = gl_api_open_state(L);
  return s ? uv_backend_fd(&s->loop) : GUESTLUA_WRONG_THREAD;
}

int guestlua_timeout(lua_State *L)
{
  gl_state *s = gl_api_open_state(L);
  if (!s)
    return -1;
  if (gl_state_is_ready(s))
    return 0;
  uv_update_time(&s->loop);
  return uv_backend_timeout(&s->loop);
}

int guestlua_dispatch(lua_State *L)
{
  gl_state *s = gl_api_open_state(L);
  if (!s)
    return GUESTLUA_WRONG_THREAD;
  if (s->running != s->root || s->looping)
    return GUESTLUA_NESTED;
  return gl_task_dispatch(L, s);
}
