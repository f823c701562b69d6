#include "loop/interrupt.h"

#include <lauxlib.h>
#include <stdio.h>

#include "base/error.h"
#include "loop/sandbox.h"
#include "loop/task.h"

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
static void tell_status(lua_State *L)
{
  if (!lua_checkstack(L, LUA_MINSTACK))
    return;
  lua_pushcfunction(L, call_status);
  if (lua_pcall(L, 0, 0, 0) != LUA_OK) {
    fprintf(stderr, "guestlua: cannot tell the status: %s\n", lua_tostring(L, -1));
    lua_pop(L, 1);
  }
}

/* Lua thread: a signal handler may have made a request. */
static void on_wakeup(gl_state *s)
{
  if (atomic_exchange(&s->interrupted, 0))
    gl_task_interrupt(s);
  if (atomic_exchange(&s->status_asked, false))
    tell_status(s->L);
}

/* Lua thread, in the middle of some Lua code: set by ask. */
static void on_hook(lua_State *L, lua_Debug *ar)
{
  (void)ar;
  lua_sethook(L, NULL, 0, 0);
  gl_state *s = gl_state_get(L);
  gl_sandbox_rehook(L, s);
  if (atomic_exchange(&s->status_asked, false))
    tell_status(L);
  gl_interrupt_check(L, s);
}

/* Signal handler: makes the running Lua code notice the request, or the loop if none is running. */
static void ask(gl_state *s)
{
  lua_State *active = atomic_load(&s->active);
  if (active) /* as in lua.c: lua_sethook is the only Lua function that a signal handler may call */
    lua_sethook(active, on_hook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
  uv_async_send(&s->wakeup);
}

void gl_interrupt(gl_state *s, int signo)
{
  atomic_store(&s->interrupted, signo);
  ask(s);
}

void gl_interrupt_for_status(gl_state *s)
{
  atomic_store(&s->status_asked, true);
  ask(s);
}

void gl_interrupt_check(lua_State *L, gl_state *s)
{
  if (!atomic_exchange(&s->interrupted, 0))
    return;
  /* Stop whatever is running, as it may never wait. But it may not be the main task, or it may be undoing something. */
  gl_task *runs = s->running ? s->running : s->root, *main = s->main ? s->main : s->root;
  bool shielded = runs->shields > 0;
  if (runs != main || s->looping || shielded)
    gl_task_interrupt(s);
  if (!s->main && !shielded)
    runs->cancelled = NULL; /* raised here */
  if (!shielded)
    gl_error_throw(L, "interrupted", "interrupted");
}

void gl_interrupt_open(gl_state *s)
{
  gl_state_on_wakeup(s, on_wakeup);
}
