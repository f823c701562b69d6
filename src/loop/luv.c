/*
 * luv gets this state's loop before it is opened. Its callbacks then run inside uv_run, on the main coroutine: calls in them are made
 * inline, and an attempt to wait there raises an error that says to start a task.
 */
#include "loop/luv.h"

#include <dlfcn.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/printable.h"
#include "loop/park.h"
#include "loop/state.h"

/* The first fields of the data of luv's handles (lhandle.h); the data of this library's handles is longer than that. */
typedef struct luv_handle {
  int ref;
  int callbacks[2];
  void *context;
} luv_handle;

typedef int (*luv_callback)(lua_State *L, int nargs, int nresults, int flags);
typedef void (*any_fn)(void); /* package.loadlib returns them as lua_CFunction */
typedef void (*set_loop_fn)(lua_State *L, uv_loop_t *loop);
typedef void (*set_callback_fn)(lua_State *L, luv_callback callback);

typedef struct sharing {
  gl_state *state;
  uv_prepare_t *turn;                                /* each turn of the loop, before it sleeps, while somebody is in run */
  uv_idle_t *awake;                                  /* keeps it from sleeping */
  enum { NO_TURN, NEXT_TURN, THIS_TURN } wake_after; /* somebody in run waits for one turn only */
  gl_waitlist waiters;
  void *context;     /* luv's, which identifies its handles */
  lua_Integer stops; /* how often uv.stop was called */
} sharing;

static int traceback(lua_State *L)
{
  luaL_tolstring(L, 1, NULL);
  gl_printable_push(L, -1, GL_INDENT_LINES);
  luaL_traceback(L, L, lua_tostring(L, -1), 1);
  gl_printable_push(L, -1, GL_KEEP_LINES);
  return 1;
}

/* luv's calls into Lua. Unlike in luv's own callback, an error does not end the process: the script's unfinished work must be undone first.
 */
static int call_back(lua_State *L, int nargs, int nresults, int flags)
{
  (void)flags;
  gl_state *s = gl_state_get(L);
  int base = lua_gettop(L) - nargs;
  lua_pushcfunction(L, traceback);
  lua_insert(L, base);
  lua_State *outer = atomic_exchange(&s->active, L);
  int status = lua_pcall(L, nargs, nresults, base);
  s->active = outer;
  lua_remove(L, base);
  if (status == LUA_OK)
    return nresults == LUA_MULTRET ? lua_gettop(L) - base + 1 : nresults;
  fprintf(stderr, "guestlua: a callback of luv failed: %s\n", lua_tostring(L, -1));
  lua_pop(L, 1);
  return -status;
}

static bool is_luvs(const uv_handle_t *handle, const sharing *sh)
{
  return handle->data && ((luv_handle *)handle->data)->context == sh->context;
}

typedef struct search_state {
  const sharing *sharing;
  lua_State *L; /* walk: handles found are added to the list on top of its stack; NULL: only looks for active ones */
  bool found;
} search_state;

static void look(uv_handle_t *handle, void *arg)
{
  search_state *search = arg;
  if (!is_luvs(handle, search->sharing))
    return;
  if (!search->L) {
    search->found = search->found || (uv_is_active(handle) && uv_has_ref(handle)) || uv_is_closing(handle);
    return;
  }
  lua_rawgeti(search->L, LUA_REGISTRYINDEX, ((luv_handle *)handle->data)->ref);
  lua_rawseti(search->L, -2, (lua_Integer)lua_rawlen(search->L, -2) + 1);
}

/* Whether luv has something under way: requests of libuv's, or handles. */
static bool alive(const sharing *sh)
{
  search_state search = {.sharing = sh};
  uv_walk(&sh->state->loop, look, &search);
  return search.found || sh->state->loop.active_reqs.count > 0;
}

static int loop_alive(lua_State *L)
{
  lua_pushboolean(L, alive(lua_touserdata(L, lua_upvalueindex(1))));
  return 1;
}

static void on_awake(uv_idle_t *awake)
{
  uv_idle_stop(awake);
}

/* Wakes the waiters only if there is a reason: a task that is ready keeps the loop from sleeping. What ended last may have been called back
 * at the very end of the turn before. */
static void on_turn(uv_prepare_t *turn)
{
  sharing *sh = turn->data;
  if (TAILQ_EMPTY(&sh->waiters)) {
    uv_prepare_stop(turn);
  } else if (sh->wake_after == THIS_TURN || !alive(sh)) {
    sh->wake_after = NO_TURN;
    gl_waitlist_wake(&sh->waiters, -1);
    uv_idle_start(sh->awake, on_awake);
  } else if (sh->wake_after == NEXT_TURN) {
    sh->wake_after = THIS_TURN;
  }
}

static int run_again(lua_State *L, int status, lua_KContext ctx);

/* The stack: the mode, and the count of calls of uv.stop at the start: a turn of the loop may wake this before it runs the callback that
 * calls uv.stop. The loop runs anyway: this waits while luv has something to do in it. */
static int run(lua_State *L, sharing *sh, bool turned)
{
  const char *mode = lua_tostring(L, 1);
  bool more = alive(sh);
  if (!more || lua_tointeger(L, 2) != sh->stops || (turned && strcmp(mode, "default") != 0)) {
    lua_pushboolean(L, more);
    return 1;
  }
  if (strcmp(mode, "default") != 0 && sh->wake_after == NO_TURN)
    sh->wake_after = NEXT_TURN;
  uv_prepare_start(sh->turn, on_turn);
  return gl_task_wait(L,
                      (gl_wait){.list = &sh->waiters, .seconds = strcmp(mode, "nowait") == 0 ? 0 : -1, .what = "luv's handles, in uv.run"},
                      (lua_KContext)sh, run_again);
}

static int run_again(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  gl_task_check(L, gl_state_get(L));
  return run(L, (sharing *)ctx, true);
}

static int uv_run_(lua_State *L)
{
  static const char *const modes[] = {"default", "once", "nowait", NULL};
  const char *mode = modes[luaL_checkoption(L, 1, "default", modes)];
  sharing *sh = lua_touserdata(L, lua_upvalueindex(1));
  lua_settop(L, 0);
  lua_pushstring(L, mode);
  lua_pushinteger(L, sh->stops);
  return run(L, sh, false);
}

static int stop(lua_State *L)
{
  sharing *sh = lua_touserdata(L, lua_upvalueindex(1));
  sh->stops++;
  gl_waitlist_wake(&sh->waiters, -1);
  return 0;
}

static int walk(lua_State *L)
{
  search_state search = {.sharing = lua_touserdata(L, lua_upvalueindex(1)), .L = L};
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  lua_newtable(L);
  uv_walk(&search.sharing->state->loop, look, &search);
  for (lua_Integer i = 1; lua_rawgeti(L, 2, i) != LUA_TNIL; i++) {
    lua_pushvalue(L, 1);
    lua_insert(L, -2);
    lua_call(L, 1, 0);
  }
  return 0;
}

static void on_closed(uv_handle_t *handle)
{
  free(handle);
}

static int sharing_gc(lua_State *L)
{
  sharing *sh = lua_touserdata(L, 1);
  uv_close((uv_handle_t *)sh->turn, on_closed);
  uv_close((uv_handle_t *)sh->awake, on_closed);
  return 0;
}

static sharing *sharing_new(lua_State *L)
{
  gl_state *s = gl_state_get(L);
  sharing *sh = lua_newuserdatauv(L, sizeof *sh, 0);
  *sh = (sharing){.state = s, .turn = malloc(sizeof *sh->turn), .awake = malloc(sizeof *sh->awake)};
  if (!sh->turn || !sh->awake) {
    free(sh->turn);
    free(sh->awake);
    luaL_error(L, "guestlua: out of memory");
  }
  TAILQ_INIT(&sh->waiters);
  uv_prepare_init(&s->loop, sh->turn);
  uv_idle_init(&s->loop, sh->awake);
  sh->turn->data = sh;
  sh->awake->data = NULL; /* uv_walk shows it to look(), too */
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, sharing_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  luaL_ref(L, LUA_REGISTRYINDEX);
  return sh;
}

int gl_luv_share(lua_State *L)
{
  static const luaL_Reg functions[] = {{"run", uv_run_}, {"stop", stop}, {"walk", walk}, {"loop_alive", loop_alive}, {NULL, NULL}};
  gl_state *s = gl_state_get(L);
  set_loop_fn set_loop = (set_loop_fn)(any_fn)lua_tocfunction(L, 1);
  set_callback_fn set_callback = (set_callback_fn)(any_fn)lua_tocfunction(L, 2);
  if (!set_loop || !set_callback || (any_fn)lua_tocfunction(L, 3) != (any_fn)uv_version)
    return 0;
  dlopen(luaL_checkstring(L, 4), RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE); /* its threads outlive the state */
  sharing *sh = sharing_new(L);
  s->slice.luv = true;
  set_loop(s->L, &s->loop);
  set_callback(s->L, call_back);
  lua_getfield(L, LUA_REGISTRYINDEX, "luv_context");
  sh->context = lua_touserdata(L, -1);
  luaL_newlibtable(L, functions);
  lua_pushlightuserdata(L, sh);
  luaL_setfuncs(L, functions, 1);
  return 1;
}

static void find_closing(uv_handle_t *handle, void *found)
{
  *(bool *)found = *(bool *)found || uv_is_closing(handle);
}

void gl_luv_settle(lua_State *L)
{
  gl_state *s = gl_state_get(L);
  bool closing = s && s->slice.luv;
  while (closing) {
    closing = false;
    uv_walk(&s->loop, find_closing, &closing);
    if (closing)
      gl_state_turn(s, false, false);
  }
}
