/* The public functions for programs that embed guestlua; what each does is told in guestlua.h. */
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>

#include "class.h"
#include "error.h"
#include "event.h"
#include "guest.h"
#include "guestlua.h"
#include "host.h"
#include "op.h"
#include "state.h"
#include "task.h"

/* ---- states ---- */

/* What the caller's struct has of ours: programs that were compiled with an older header know fewer fields. */
static guestlua_options known_options(const guestlua_options *given)
{
  guestlua_options options = {.size = sizeof options};
  if (given)
    memcpy(&options, given, given->size < sizeof options ? given->size : sizeof options);
  return options;
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

/* Says why a state cannot be made. */
static lua_State *cannot(char *why, size_t size, const char *reason)
{
  if (why)
    snprintf(why, size, "guestlua_new: %s", reason);
  return NULL;
}

lua_State *guestlua_new(const guestlua_options *given, char *why, size_t size)
{
  if (given && given->size == 0)
    return cannot(why, size, "options.size is not set");
  guestlua_options options = known_options(given);
  gl_event_choose(options.own_event_loop, options.own_error_function);
  lua_State *L = luaL_newstate();
  if (!L)
    return cannot(why, size, "out of memory");
  lua_pushcfunction(L, open_everything);
  lua_pushlightuserdata(L, &options);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
    cannot(why, size, luaL_tolstring(L, -1, NULL));
    lua_close(L);
    return NULL;
  }
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

/* ---- libvirt's objects ---- */

static const char hosts_key; /* in the registry: the Hosts of connections that a program handed over, by their pointer; weak */

static void push_hosts(lua_State *L)
{
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &hosts_key) == LUA_TTABLE)
    return;
  lua_pop(L, 1);
  lua_createtable(L, 0, 1);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "v");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &hosts_key);
}

static gl_state *state_of(lua_State *L, const char *function)
{
  gl_state *s = gl_state_get(L);
  if (!s)
    luaL_error(L, "%s: luaopen_guestlua was not called in this state", function);
  return s;
}

void guestlua_push_connect(lua_State *L, virConnectPtr conn)
{
  gl_state *s = state_of(L, "guestlua_push_connect");
  if (!conn)
    gl_error_throw(L, "bad_argument", "guestlua_push_connect: a virConnectPtr expected, got NULL");
  push_hosts(L);
  lua_rawgetp(L, -1, conn);
  gl_object *known = gl_object_test(L, -1, &gl_host_class);
  if (!known || known->closed || known->host->conn != conn) {
    lua_pop(L, 1);
    gl_host_push(L, s, conn);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, -3, conn);
  }
  lua_remove(L, -2);
}

void guestlua_push_domain(lua_State *L, virDomainPtr dom)
{
  state_of(L, "guestlua_push_domain");
  if (!dom)
    gl_error_throw(L, "bad_argument", "guestlua_push_domain: a virDomainPtr expected, got NULL");
  guestlua_push_connect(L, virDomainGetConnect(dom));
  gl_object *host = gl_object_test(L, -1, &gl_host_class);
  virDomainPtr own = dom;
  virDomainRef(own);
  gl_guest_push(L, host->host, lua_gettop(L), &own);
  lua_remove(L, -2);
}

virConnectPtr guestlua_check_connect(lua_State *L, int index)
{
  gl_object *o = gl_object_check(L, lua_absindex(L, index), &gl_host_class, "guestlua_check_connect");
  return o->host->conn;
}

virDomainPtr guestlua_check_domain(lua_State *L, int index)
{
  return gl_guest_domain(gl_object_check(L, lua_absindex(L, index), &gl_guest_class, "guestlua_check_domain"));
}

/* ---- a program's own loop ---- */

static gl_state *on_its_thread(lua_State *L)
{
  gl_state *s = gl_state_get(L);
  return s && pthread_equal(s->thread, pthread_self()) ? s : NULL;
}

int guestlua_spawn(lua_State *L, int nargs)
{
  state_of(L, "guestlua_spawn");
  gl_op_push(L, &gl_task_spawn_op, NULL);
  lua_insert(L, -(nargs + 2));
  return lua_pcall(L, nargs + 1, 1, 0);
}

int guestlua_fd(lua_State *L)
{
  gl_state *s = gl_state_get(L);
  return s ? uv_backend_fd(&s->loop) : -1;
}

int guestlua_timeout(lua_State *L)
{
  gl_state *s = on_its_thread(L);
  if (!s)
    return -1;
  if (s->ready)
    return 0;
  uv_update_time(&s->loop);
  return uv_backend_timeout(&s->loop);
}

int guestlua_dispatch(lua_State *L)
{
  gl_state *s = on_its_thread(L);
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
  state_of(L, "guestlua_set_log");
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, "guestlua");
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
