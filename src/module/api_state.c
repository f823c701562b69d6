/* The public functions: states, and their log. guestlua.h documents each. */
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>

#include "event/thread.h"
#include "guestlua.h"
#include "loop/slice.h"
#include "module/api_thread.h"

/* Copies the caller's struct: programs compiled with an older header have fewer fields. NULL, or the fault. */
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
  if (gl_slice_set(gl_state_get(L), options->slice) < 0)
    luaL_error(L, "slice: there is no timer");
  configure_sandbox(L, options);
  return 0;
}

/* Writes the reason why a state cannot be made. */
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
  lua_State *L = options.alloc ? lua_newstate(options.alloc, options.alloc_data) : luaL_newstate();
  if (!L)
    return cannot(why, size, "out of memory");
  lua_pushcfunction(L, gl_api_to_text);
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
  gl_api_check(L, "guestlua_set_log");
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
