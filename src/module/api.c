/* The public functions for programs that embed guestlua; what each does is told in guestlua.h. */
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "call/class.h"
#include "call/op.h"
#include "event/event.h"
#include "guestlua.h"
#include "loop/interrupt.h"
#include "loop/state.h"
#include "module/task_class.h"
#include "virt/guest/guest.h"
#include "virt/host/host.h"

/* ---- states ---- */

/* What the caller's struct has of ours: programs that were compiled with an older header know fewer fields. NULL, or what is wrong. */
static const char *known_options(const guestlua_options *given, guestlua_options *options)
{
  *options = (guestlua_options){.size = sizeof *options};
  if (!given)
    return NULL;
  if (given->size == 0)
    return "options.size is not set";
  memcpy(options, given, given->size < sizeof *options ? given->size : sizeof *options);
  for (size_t i = sizeof *options; i < given->size; i++)
    if (((const char *)given)[i])
      return "the program sets an option that this version of guestlua does not know: it was compiled with a newer guestlua.h";
  return NULL;
}

/* Calls configure of the module "guestlua.sandbox". */
static void configure_sandbox(lua_State *L, const guestlua_options *options)
{
  if (!options->sandbox && !options->max_memory && !options->max_instructions && !options->allow)
    return;
  lua_getglobal(L, "require");
  lua_pushliteral(L, "guestlua.sandbox");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "configure");
  lua_createtable(L, 0, 4);
  lua_pushboolean(L, options->sandbox);
  lua_setfield(L, -2, "sandbox");
  if (options->max_memory) {
    lua_pushnumber(L, (lua_Number)options->max_memory / (1 << 20));
    lua_setfield(L, -2, "max_memory");
  }
  if (options->max_instructions) {
    lua_pushinteger(L, (lua_Integer)options->max_instructions);
    lua_setfield(L, -2, "max_instructions");
  }
  if (options->allow) {
    lua_newtable(L);
    for (lua_Integer i = 0; options->allow[i]; i++) {
      lua_pushstring(L, options->allow[i]);
      lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "allow");
  }
  lua_call(L, 1, 0);
  lua_pop(L, 1);
}

/* Protected; 1: the guestlua_options */
static int open_everything(lua_State *L)
{
  const guestlua_options *options = lua_touserdata(L, 1);
  luaL_openlibs(L);
  luaL_requiref(L, "guestlua", luaopen_guestlua, 1);
  lua_pushstring(L, options->uri);
  lua_setfield(L, -2, "default_uri");
  lua_pushboolean(L, options->readonly || options->sandbox);
  lua_setfield(L, -2, "default_readonly");
  configure_sandbox(L, options);
  return 0;
}

/* The message handler for that, and guestlua_text. */
static int to_text(lua_State *L)
{
  luaL_tolstring(L, 1, NULL);
  return 1;
}

/* Says why a state cannot be made. */
static lua_State *cannot(char *why, size_t size, const char *reason)
{
  if (why)
    snprintf(why, size, "guestlua_new: %s", reason ? reason : "an error without a text");
  return NULL;
}

lua_State *guestlua_new(const guestlua_options *given, char *why, size_t size)
{
  guestlua_options options;
  const char *wrong = known_options(given, &options);
  if (wrong)
    return cannot(why, size, wrong);
  if (gl_event_choose(options.own_event_loop, options.own_error_function) < 0)
    return cannot(why, size, "own_event_loop and own_error_function are chosen before the first state of the process");
  lua_State *L = luaL_newstate();
  if (!L)
    return cannot(why, size, "out of memory");
  lua_pushcfunction(L, to_text);
  lua_pushcfunction(L, open_everything);
  lua_pushlightuserdata(L, &options);
  if (lua_pcall(L, 1, 0, 1) != LUA_OK) {
    cannot(why, size, lua_tostring(L, -1));
    lua_close(L);
    return NULL;
  }
  lua_settop(L, 0);
  return L;
}

void guestlua_free(lua_State *L)
{
  if (L)
    lua_close(L);
}

unsigned guestlua_version(void)
{
  return GUESTLUA_VERSION_NUMBER;
}

void guestlua_end(void)
{
  gl_event_stop();
}

int guestlua_choose(bool own_event_loop, bool own_error_function)
{
  return gl_event_choose(own_event_loop, own_error_function);
}

/* The state of L where it may be used here: on its thread. It may be a coroutine of it. */
static gl_state *on_its_thread(lua_State *L)
{
  gl_state *s = gl_state_find(L);
  if (!s)
    s = gl_state_get(L);
  return s && pthread_equal(s->thread, pthread_self()) ? s : NULL;
}

/* The same where L can only be the main thread, so that one that is closed can be told from one that is not. */
static gl_state *open_on_its_thread(lua_State *L)
{
  gl_state *s = gl_state_find(L);
  return s && pthread_equal(s->thread, pthread_self()) ? s : NULL;
}

static gl_state *check_state(lua_State *L, const char *function)
{
  gl_state *s = on_its_thread(L);
  if (!s)
    luaL_error(L, "%s: luaopen_guestlua was not called in this Lua state, or on another thread", function);
  luaL_checkstack(L, LUA_MINSTACK, function);
  return s;
}

/* ---- libvirt's objects ---- */

static const char hosts_key; /* in the registry: Hosts by their connection, of those that the program has handed over or seen; weak */

/* Remembers that the Host on top of the stack is the one of that connection: two would take each other's callbacks. */
static void remember(lua_State *L, virConnectPtr conn)
{
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &hosts_key) != LUA_TTABLE) {
    lua_pop(L, 1);
    lua_createtable(L, 0, 1);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &hosts_key);
  }
  lua_pushvalue(L, -2);
  lua_rawsetp(L, -2, conn);
  lua_pop(L, 1);
}

/* Pushes the Host of that connection, or nothing. */
static bool push_known(lua_State *L, virConnectPtr conn)
{
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &hosts_key) == LUA_TTABLE)
    lua_rawgetp(L, -1, conn);
  else
    lua_pushnil(L);
  lua_remove(L, -2);
  gl_object *o = gl_object_test(L, -1, &gl_host_class);
  if (o && !o->closed && o->host->conn == conn)
    return true;
  lua_pop(L, 1);
  return false;
}

void guestlua_push_connect(lua_State *L, virConnectPtr conn)
{
  gl_state *s = check_state(L, "guestlua_push_connect");
  if (!conn)
    gl_error_throw(L, "bad_argument", "guestlua_push_connect: a virConnectPtr expected, got NULL");
  if (push_known(L, conn))
    return;
  gl_host_push(L, s, conn);
  remember(L, conn);
}

void guestlua_push_domain(lua_State *L, virDomainPtr dom)
{
  check_state(L, "guestlua_push_domain");
  if (!dom)
    gl_error_throw(L, "bad_argument", "guestlua_push_domain: a virDomainPtr expected, got NULL");
  virConnectPtr conn = virDomainGetConnect(dom);
  if (!conn)
    gl_error_throw(L, "invalid_domain", "guestlua_push_domain: this is no domain");
  guestlua_push_connect(L, conn);
  gl_object *host = gl_object_test(L, -1, &gl_host_class);
  virDomainPtr taken = dom;
  gl_guest_push(L, host->host, lua_gettop(L), &taken);
  virDomainRef(dom); /* after what can raise */
  lua_remove(L, -2);
}

virConnectPtr guestlua_check_connect(lua_State *L, int index)
{
  check_state(L, "guestlua_check_connect");
  index = lua_absindex(L, index);
  virConnectPtr conn = ((gl_object *)gl_object_check(L, index, &gl_host_class, "guestlua_check_connect"))->host->conn;
  lua_pushvalue(L, index);
  remember(L, conn);
  lua_pop(L, 1);
  return conn;
}

virDomainPtr guestlua_check_domain(lua_State *L, int index)
{
  check_state(L, "guestlua_check_domain");
  index = lua_absindex(L, index);
  gl_object *guest = gl_object_check(L, index, &gl_guest_class, "guestlua_check_domain");
  lua_getiuservalue(L, index, 1); /* its Host */
  remember(L, guest->host->conn);
  lua_pop(L, 1);
  return gl_guest_domain(guest);
}

/* ---- running ---- */

typedef struct running {
  gl_state *state;
  gl_task *task;
  int status;
} running;

/* Pushes how a task has ended. `keep`: it may be asked again. Returns how many values that are. */
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
  bool outermost = !outer && !s->running;
  lua_remove(L, 1);
  gl_task *t = r->task = gl_task_spawn(L, lua_gettop(L) - 1);
  s->main = t;
  t->ends_all = outermost; /* what the function left running has nobody any more to wait for it */
  gl_task_join(L, t);
  if (outermost)
    gl_task_end_all(L, s);
  s->main = outer;
  return push_end(L, r, false);
}

/* Calls fn(r, …) with the nargs values on top of the stack. Nothing in here needs memory outside of the call. */
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
  running r = {.state = on_its_thread(L)};
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
  if (!on_its_thread(L))
    return GUESTLUA_WRONG_THREAD;
  lua_checkstack(L, 2);
  lua_pushcfunction(L, gl_task_spawn_op.invoke);
  lua_insert(L, -(nargs + 2));
  return lua_pcall(L, nargs + 1, 1, 0);
}

static int result(lua_State *L)
{
  return push_end(L, lua_touserdata(L, 1), true);
}

int guestlua_result(lua_State *L, int index)
{
  running r = {.state = on_its_thread(L)};
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
  lua_pushcfunction(L, to_text);
  lua_pushvalue(L, index);
  if (lua_pcall(L, 1, 1, 0) == LUA_OK)
    return lua_tostring(L, -1);
  lua_pop(L, 1);
  gl_state_push_empty(L);
  return "an error that cannot be told as a text";
}

/* ---- a program's own loop ---- */

int guestlua_fd(lua_State *L)
{
  gl_state *s = open_on_its_thread(L);
  return s ? uv_backend_fd(&s->loop) : GUESTLUA_WRONG_THREAD;
}

int guestlua_timeout(lua_State *L)
{
  gl_state *s = open_on_its_thread(L);
  if (!s)
    return -1;
  if (s->ready)
    return 0;
  uv_update_time(&s->loop);
  return uv_backend_timeout(&s->loop);
}

int guestlua_dispatch(lua_State *L)
{
  gl_state *s = open_on_its_thread(L);
  if (!s)
    return GUESTLUA_WRONG_THREAD;
  if (s->running || s->looping)
    return GUESTLUA_NESTED;
  return gl_task_dispatch(L, s);
}

/* ---- log ---- */

/* upvalues: the function and its opaque, in a userdata */
typedef struct log_sink {
  guestlua_log_fn fn;
  void *opaque;
} log_sink;

static int on_line(lua_State *L)
{
  const log_sink *sink = lua_touserdata(L, lua_upvalueindex(1));
  if (sink->fn)
    sink->fn(sink->opaque, luaL_checkstring(L, 1), luaL_checkstring(L, 2));
  else
    fprintf(stderr, "%s\n", luaL_checkstring(L, 2));
  return 0;
}

void guestlua_set_log(lua_State *L, const char *least, guestlua_log_fn fn, void *opaque)
{
  check_state(L, "guestlua_set_log");
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, "guestlua.log");
  lua_getfield(L, -1, "log");
  lua_getfield(L, -1, "configure");
  lua_createtable(L, 0, 2);
  if (least) {
    lua_pushstring(L, least);
    lua_setfield(L, -2, "level");
  }
  log_sink *sink = lua_newuserdatauv(L, sizeof *sink, 0);
  *sink = (log_sink){fn, opaque};
  lua_pushcclosure(L, on_line, 1);
  lua_setfield(L, -2, "handler");
  lua_call(L, 1, 0);
  lua_pop(L, 3);
}
