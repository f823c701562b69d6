#include "loop/state.h"

#include <assert.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

static const char state_key; /* its address is the key in the registry */
static const char empty_key; /* in the registry: "" */

gl_state *gl_state_get(lua_State *L)
{
  lua_rawgetp(L, LUA_REGISTRYINDEX, &state_key);
  gl_state *s = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return s;
}

/* ---- signal handlers and other threads must not touch Lua: they find a state by the address of its lua_State ---- */

typedef struct entry {
  struct entry *next;
  lua_State *_Atomic L; /* NULL once its state is closed; then reused */
  gl_state *_Atomic state;
} entry;

static entry *_Atomic entries; /* gets longer only */
static pthread_mutex_t entries_mutex = PTHREAD_MUTEX_INITIALIZER;

static entry *find(const lua_State *L)
{
  entry *e = atomic_load(&entries);
  while (e && atomic_load(&e->L) != L)
    e = e->next;
  return e;
}

gl_state *gl_state_find(const lua_State *L)
{
  entry *e = L ? find(L) : NULL;
  return e ? atomic_load(&e->state) : NULL;
}

static bool enter(gl_state *s)
{
  pthread_mutex_lock(&entries_mutex);
  entry *e = find(NULL);
  bool new = !e;
  if (new)
    e = calloc(1, sizeof *e);
  if (e) {
    atomic_store(&e->state, s);
    atomic_store(&e->L, s->L);
  }
  if (e && new) {
    e->next = atomic_load(&entries);
    atomic_store(&entries, e);
  }
  pthread_mutex_unlock(&entries_mutex);
  return e;
}

static void forget(const lua_State *L)
{
  pthread_mutex_lock(&entries_mutex);
  entry *e = find(L);
  if (e)
    atomic_store(&e->L, NULL);
  pthread_mutex_unlock(&entries_mutex);
}

uv_async_t *gl_state_on_wakeup(gl_state *s, uv_async_cb fn)
{
  assert(s->wakeup_count < GL_MOST_HOOKS);
  uv_async_t *wakeup = &s->wakeups[s->wakeup_count++];
  uv_async_init(&s->loop, wakeup, fn);
  wakeup->data = s;
  return wakeup;
}

void gl_state_at_close(gl_state *s, void (*fn)(gl_state *s))
{
  assert(s->hooks.close_count < GL_MOST_HOOKS);
  s->hooks.at_close[s->hooks.close_count++] = fn;
}

/*
 * The first loop of a process, made while the low file descriptors are taken.
 *
 * libuv keeps a pipe for its signal handling, and in the child of every fork it closes the pipe by number and makes another. The child in
 * which libvirt's embedded driver starts an emulator forks again, after closing all inherited descriptors: with libuv's pipe on numbers 4
 * and 5, libuv would close the pipe between the two children (seen: "Unable to notify child process: Bad file descriptor").
 *
 * If standard output is closed at start, the pipe would become descriptor 1, and libuv aborts. So it does if there is no descriptor left
 * for the pipe; GLib does, for that of its event loop.
 */
int gl_state_forks;

static void on_forked(void)
{
  gl_state_forks++;
}

static bool make_first_loop(void)
{
  enum { LOW = 32, NEEDED = 16 };
  int taken[LOW + NEEDED], count = 0;
  uv_loop_t loop;
  while (count < LOW + NEEDED && (taken[count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
    count++;
  bool enough = count >= NEEDED;
  for (int left = enough ? NEEDED : 0; left > 0; left--)
    close(taken[--count]);
  if (enough && uv_loop_init(&loop) == 0)
    uv_loop_close(&loop);
  while (count > 0)
    if (taken[--count] > STDERR_FILENO)
      close(taken[count]);
  return enough;
}

bool gl_state_begin(void)
{
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  static bool begun, watched;
  pthread_mutex_lock(&mutex);
  if (!watched)
    pthread_atfork(NULL, NULL, on_forked);
  watched = true;
  bool ok = begun = begun || make_first_loop();
  pthread_mutex_unlock(&mutex);
  return ok;
}

/* Newer releases of luv close their handles only when they are collected, which is after this. */
static void let_go(uv_handle_t *handle, void *unused)
{
  (void)unused;
  if (!uv_is_closing(handle))
    uv_unref(handle);
}

/* Waits for the calls in flight and closes the loop. Twice is harmless. */
static void close_state(gl_state *s)
{
  if (!s->open)
    return;
  s->open = false;
  forget(s->L);
  if (s->forks != gl_state_forks)
    return;
  while (s->alive.ops + s->nudges > 0)
    gl_state_turn(s, false, true);
  for (int i = s->hooks.close_count; i > 0; i--)
    s->hooks.at_close[i - 1](s);
  for (int i = 0; i < s->wakeup_count; i++)
    uv_close((uv_handle_t *)&s->wakeups[i], NULL);
  uv_walk(&s->loop, let_go, NULL);
  uv_run(&s->loop, UV_RUN_DEFAULT); /* lets the handles close */
  uv_loop_close(&s->loop);
}

/* Lua's own teardown calls it last. */
static int state_gc(lua_State *L)
{
  gl_state *s = lua_touserdata(L, 1);
  close_state(s);
  return 0;
}

gl_state *gl_state_open(lua_State *L)
{
  gl_state *s = gl_state_get(L);
  if (s)
    return s;

  /* The first userdata with a finalizer, so the last one to be finalized: hosts and guests are gone by then. */
  s = lua_newuserdatauv(L, sizeof *s, 0);
  *s = (gl_state){0};
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, state_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);

  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  s->L = lua_tothread(L, -1);
  lua_pop(L, 1);
  STAILQ_INIT(&s->ready);
  STAILQ_INIT(&s->cut);
  if (uv_loop_init(&s->loop) != 0 || !enter(s))
    luaL_error(L, "guestlua: cannot make an event loop");
  s->thread = pthread_self();
  s->forks = gl_state_forks;
  s->open = true;
  lua_rawsetp(L, LUA_REGISTRYINDEX, &state_key);
  lua_pushliteral(L, "");
  lua_rawsetp(L, LUA_REGISTRYINDEX, &empty_key);
  return s;
}

/* Asking the system whether anything has happened costs as much as a short task does: those that are ready go on in a row meanwhile. */
void gl_state_turn(gl_state *s, bool others, bool waits)
{
  enum { IN_A_ROW_NS = 200000 };
  bool ready = others && gl_state_is_ready(s);
  if (ready && !s->shares_thread && uv_hrtime() - s->turned < IN_A_ROW_NS)
    return;
  s->looping = true;
  uv_run(&s->loop, waits && !ready ? UV_RUN_ONCE : UV_RUN_NOWAIT);
  s->looping = false;
  s->turned = uv_hrtime();
}

void gl_state_check_here(lua_State *L, const gl_state *s, const char *method)
{
  if (gl_state_is_here(s))
    return;
  if (s->forks != gl_state_forks)
    gl_error_throw(L, "wrong_thread", "%s: this Lua state belongs to the process that opened guestlua in it, and this is a child of that",
                   method);
  gl_error_throw(L, "wrong_thread", "%s: this Lua state belongs to another thread, the one that opened guestlua in it", method);
}

bool gl_state_is_own(lua_State *L, lua_Debug *ar)
{
  return lua_getinfo(L, "S", ar) && strncmp(ar->source, "=guestlua/", 10) == 0;
}

void gl_state_push_empty(lua_State *L)
{
  lua_rawgetp(L, LUA_REGISTRYINDEX, &empty_key);
}
