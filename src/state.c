#include "state.h"

#include <fcntl.h>
#include <lauxlib.h>
#include <pthread.h>
#include <unistd.h>

#include "error.h"
#include "event.h"
#include "task.h"

static const char state_key; /* its address is the key in the registry */

gl_state *gl_state_get(lua_State *L)
{
  lua_rawgetp(L, LUA_REGISTRYINDEX, &state_key);
  gl_state *s = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return s;
}

static int state_gc(lua_State *L)
{
  gl_state_close(lua_touserdata(L, 1));
  return 0;
}

/* Lua thread: the event thread or a signal handler has something for us. */
static void on_wakeup(uv_async_t *async)
{
  gl_state *s = async->data;
  gl_event_drain(s);
  if (atomic_exchange(&s->interrupted, 0))
    gl_task_cancel(s->main ? s->main : s->root, "interrupted");
}

/*
 * The first loop of a process, made with the low file descriptors taken.
 *
 * libuv keeps a pipe for its signal handling, and in the child of every fork it closes the pipe by number and makes another. The child in
 * which libvirt's embedded driver starts an emulator forks again, after closing what it inherited: with a pipe of libuv's on numbers 4 and
 * 5, libuv would close the pipe that the two children speak over (seen: "Unable to notify child process: Bad file descriptor").
 */
static pthread_once_t first_loop_once = PTHREAD_ONCE_INIT;
static void make_first_loop(void)
{
  enum { LOW = 32 };
  int taken[LOW], count = 0;
  uv_loop_t loop;
  while (count < LOW && (taken[count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0 && taken[count++] < LOW)
    ;
  if (uv_loop_init(&loop) == 0)
    uv_loop_close(&loop);
  while (count > 0)
    close(taken[--count]);
}

gl_state *gl_state_open(lua_State *L)
{
  gl_state *s = gl_state_get(L);
  if (s)
    return s;

  /* The first userdata with a finalizer that we make, so the last one to be finalized: hosts and guests are gone by then. */
  s = lua_newuserdatauv(L, sizeof *s, 0);
  *s = (gl_state){0};
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, state_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);

  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  s->L = lua_tothread(L, -1);
  lua_pop(L, 1);
  s->ready_end = &s->ready;
  pthread_once(&first_loop_once, make_first_loop);
  s->queue = gl_queue_new(&s->wakeup);
  if (!s->queue || uv_loop_init(&s->loop) != 0)
    luaL_error(L, "guestlua: cannot make an event loop");
  uv_async_init(&s->loop, &s->wakeup, on_wakeup);
  s->wakeup.data = s;
  gl_task_root_open(s);
  s->open = true;
  lua_rawsetp(L, LUA_REGISTRYINDEX, &state_key);
  return s;
}

void gl_state_close(gl_state *s)
{
  if (!s->open)
    return;
  s->open = false;
  while (s->alive.ops > 0)
    uv_run(&s->loop, UV_RUN_ONCE);
  gl_queue_close(s->queue); /* from here on no callback sends to s->wakeup */
  gl_task_close_all(s);
  uv_close((uv_handle_t *)&s->wakeup, NULL);
  uv_run(&s->loop, UV_RUN_DEFAULT); /* the handles' closing */
  uv_loop_close(&s->loop);
}

/* Lua thread, in the middle of some Lua code: set by gl_state_interrupt. */
static void on_hook(lua_State *L, lua_Debug *ar)
{
  (void)ar;
  lua_sethook(L, NULL, 0, 0);
  gl_state_check_interrupt(L, gl_state_get(L));
}

void gl_state_interrupt(gl_state *s, int signo)
{
  atomic_store(&s->interrupted, signo);
  if (s->running) /* like lua.c: lua_sethook is the one function of Lua that a signal handler may call */
    lua_sethook(s->running->L, on_hook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
  uv_async_send(&s->wakeup);
}

void gl_state_check_interrupt(lua_State *L, gl_state *s)
{
  if (atomic_exchange(&s->interrupted, 0))
    gl_error_throw(L, "interrupted", "interrupted");
}
