#include "loop/interrupt.h"

#include <lauxlib.h>
#include <stdio.h>

#include "base/error.h"
#include "loop/park.h"
#include "loop/sandbox.h"
#include "loop/slice.h"
#include "loop/task.h"

/* In instructions: within how many after a return the script may bind what it got, and for how long it may take its time for that. */
enum { BINDS_WITHIN = 8, HURRY = 200 };

static int call_status(lua_State *L)
{
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE); /* a sandbox has no require */
  lua_getfield(L, -1, "guestlua.task.status");
  lua_pushliteral(L, "guestlua.task.status");
  lua_call(L, 1, 1);
  lua_call(L, 0, 0);
  return 0;
}

/* Reports on standard error what each task does: lua/guestlua/task/status.lua. */
static void report_status(lua_State *L)
{
  if (!lua_checkstack(L, LUA_MINSTACK))
    return;
  lua_pushcfunction(L, call_status);
  if (lua_pcall(L, 0, 0, 0) != LUA_OK) {
    fprintf(stderr, "guestlua: cannot report the status: %s\n", lua_tostring(L, -1));
    lua_pop(L, 1);
  }
}

/* Lua thread: a signal handler may have made a request. */
static void on_asked(uv_async_t *asked)
{
  gl_state *s = asked->data;
  if (atomic_exchange(&s->interrupted, 0)) {
    gl_slice_broken(s);
    gl_task_interrupt(s);
  }
  if (atomic_exchange(&s->status_asked, false))
    report_status(s->L);
}

static bool returns_to_lua(lua_State *L)
{
  lua_Debug ar;
  return lua_getstack(L, 1, &ar) && lua_getinfo(L, "S", &ar) && *ar.what != 'C';
}

/*
 * Whether the script can be stopped before the next instruction. What has just returned may have given a guard, which is its scope's only
 * with the next instruction, or some later: `local frozen <close> = wanted and guest:frozen()`. Our own modules are stopped where they
 * wait. A loop has an instruction besides its call.
 */
static bool may_raise(lua_State *L, gl_state *s, lua_Debug *ar)
{
  if (ar->event == LUA_HOOKCOUNT) {
    int passed = atomic_fetch_add(&s->instructions, 1);
    s->since_return = passed ? s->since_return + 1 : 1;
    return !gl_state_is_own(L, ar) && s->since_return > (passed < HURRY ? BINDS_WITHIN : 1);
  }
  if (returns_to_lua(L))
    s->since_return = 0;
  return false;
}

/* Raises the error of a requested interrupt, unless it was raised already. [-0, +0, v] */
static void check(lua_State *L, gl_state *s)
{
  if (!atomic_exchange(&s->interrupted, 0))
    return;
  gl_slice_broken(s);
  /* Stop whatever is running, as it may never wait. But it may not be the main task, or it may be undoing something. */
  gl_task *runs = s->running, *main = s->main ? s->main : s->root;
  bool shielded = runs->shields > 0;
  if (runs != main || s->looping || shielded)
    gl_task_interrupt(s);
  else
    gl_task_interrupt_others(s);
  if (!s->main && !shielded)
    runs->cancelled = NULL; /* raised here */
  if (!shielded)
    gl_error_throw(L, "interrupted", "interrupted");
}

/* Lua thread, in the middle of some Lua code: set by ask and stop. */
static void on_hook(lua_State *L, lua_Debug *ar)
{
  gl_state *s = gl_state_get(L);
  if (atomic_exchange(&s->status_asked, false))
    report_status(L);
  bool stopped = gl_task_is_stopped(s->running);
  if ((stopped || atomic_load(&s->interrupted)) && !may_raise(L, s, ar))
    return;
  lua_sethook(L, NULL, 0, 0);
  gl_sandbox_rehook(L, s);
  check(L, s);
  if (stopped)
    gl_task_check(L, s);
}

/* Lua thread: an interrupt was raised elsewhere, and the task that is about to run in co has to stop because of it, too. */
static void stop(gl_state *s, lua_State *co)
{
  if (lua_gethook(co) == on_hook) /* it has some instructions left */
    return;
  atomic_store(&s->instructions, 0);
  lua_sethook(co, on_hook, LUA_MASKRET | LUA_MASKCOUNT, 1);
}

/* Signal handler: makes the running Lua code notice the request, or the loop if none is running. */
static void ask(gl_state *s)
{
  lua_State *active = atomic_load(&s->active);
  atomic_store(&s->instructions, 0);
  if (active) /* like lua.c: lua_sethook is the one function of Lua that a signal handler may call */
    lua_sethook(active, on_hook, LUA_MASKRET | LUA_MASKCOUNT, 1);
  if (s->asked) /* or else the state is being opened */
    uv_async_send(s->asked);
}

void gl_interrupt(gl_state *s, int signo)
{
  atomic_store(&s->interrupted, signo);
  gl_slice_break(s);
  ask(s);
}

void gl_interrupt_for_status(gl_state *s)
{
  atomic_store(&s->status_asked, true);
  ask(s);
}

void gl_interrupt_open(gl_state *s)
{
  s->hooks.stop = stop;
  s->asked = gl_state_on_wakeup(s, on_asked);
}
