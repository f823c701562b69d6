/* The module, and "guestlua.core", on which the modules in Lua are built. */
#include <lauxlib.h>
#include <libvirt/libvirt.h>
#include <libxml/parser.h>
#include <libxml/xmlversion.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/image_file.h"
#include "base/lock.h"
#include "base/printable.h"
#include "base/system.h"
#include "base/watchdog.h"
#include "call/ask.h"
#include "call/credentials.h"
#include "call/flight.h"
#include "call/libvirt_names.h"
#include "call/trace.h"
#include "event/queue.h"
#include "event/thread.h"
#include "guestlua.h"
#include "loop/coroutine.h"
#include "loop/interrupt.h"
#include "loop/luv.h"
#include "loop/park.h"
#include "loop/peer.h"
#include "loop/run.h"
#include "loop/sandbox.h"
#include "loop/scope.h"
#include "loop/slice.h"
#include "loop/task.h"
#include "loop/write.h"
#include "module/documentation.h"
#include "module/index.h"
#include "module/modules.h"
#include "module/task_class.h"
#include "nbd/open.h"
#include "virt/guest/object.h"
#include "virt/host/object.h"

/* core.type_name(value): what a message calls it. */
static int type_name(lua_State *L)
{
  luaL_checkany(L, 1);
  lua_pushstring(L, gl_error_type_name(L, 1));
  return 1;
}

/* core.check_self(value, class, method): the check of self in methods written in C, for those written in Lua. */
static int check_self(lua_State *L)
{
  const char *name = luaL_checkstring(L, 2), *method = luaL_checkstring(L, 3);
  for (const gl_class *const *c = gl_classes; *c; c++)
    if (strcmp((*c)->type->name, name) == 0) {
      const gl_opdef def = {.name = method};
      gl_op op = {.def = &def};
      gl_object *o = gl_object_check(L, 1, (*c)->type, method);
      if (o->connection && (*c)->type->bind)
        (*c)->type->bind(L, o, &op); /* raises if a BlockDevice's guest is closed */
    }
  return 0;
}

/* Sets a field of the table on top of the stack: a table from libvirt's numbers to its words. */
static void set_words(lua_State *L, const char *field, const gl_enum *e)
{
  lua_newtable(L);
  for (int i = 0; i < e->count; i++) {
    lua_pushstring(L, e->names[i]);
    lua_rawseti(L, -2, i);
  }
  lua_setfield(L, -2, field);
}

static void push_version(lua_State *L, const char *name, const char *version)
{
  lua_pushstring(L, version);
  lua_setfield(L, -2, name);
}

static void push_version_number(lua_State *L, const char *name, unsigned long v)
{
  lua_pushfstring(L, "%d.%d.%d", (int)(v / 1000000), (int)(v / 1000 % 1000), (int)(v % 1000));
  lua_setfield(L, -2, name);
}

static void push_versions(lua_State *L)
{
  unsigned long v = 0;
  virGetVersion(&v, NULL, NULL);
  lua_newtable(L);
  push_version_number(L, "libvirt", v);
  push_version_number(L, "libvirt_compiled", LIBVIR_VERSION_NUMBER);
  push_version(L, "guestlua", GUESTLUA_VERSION);
  push_version(L, "lua", &LUA_RELEASE[strlen("Lua ")]);
  push_version(L, "libxml2", LIBXML_DOTTED_VERSION);
  push_version(L, "libuv", uv_version_string());
}

/* core.answers(host): what its connection was opened with, as gl_credentials_push_answers has it. */
static int answers(lua_State *L)
{
  const gl_object *host = gl_object_check(L, 1, &gl_host_type, "answers");
  gl_credentials_push_answers(L, host->connection->credentials);
  return 1;
}

/* "guestlua.core" */
static int open_core(lua_State *L)
{
  static const luaL_Reg own[] = {{"check_self", check_self},           {"answers", answers},         {"another", gl_guest_another},
                                 {"shield", gl_task_shield},           {"within", gl_task_within},   {"calls_end", gl_task_calls_end},
                                 {"check", gl_task_check_cancelled},   {"heard", gl_task_heard},     {"await_end", gl_task_await_end},
                                 {"task_list", gl_task_list},          {"share_loop", gl_luv_share}, {"documentation", gl_documentation},
                                 {"credentials", gl_credentials_push}, {"type_name", type_name},     {NULL, NULL}};
  luaL_checkversion(L);
  if (!gl_state_begin())
    return luaL_error(L, "guestlua: too few file descriptors are left for an event loop");
  if (gl_event_start() < 0)
    return luaL_error(L, "guestlua: cannot start libvirt's event thread");
  xmlInitParser();
  lua_newtable(L);
  gl_printable_open(L); /* before the state, so that it lasts to the end */
  gl_state *s = gl_state_open(L);
  gl_scope_open(L);
  gl_task_open(L, s);
  gl_event_open(L, s);
  s->shares_thread = gl_event_is_programs;
  gl_interrupt_open(s);
  gl_slice_open(L, s);
  gl_coroutine_open(L);
  gl_flight_open(L);
  gl_credentials_open_class(L);
  gl_op_push(L, &gl_ask);
  lua_setfield(L, -2, "ask");
  gl_error_open(L);
  lua_setfield(L, -2, "Error");
  for (const gl_class *const *c = gl_classes; *c; c++) {
    gl_class_open(L, *c);
    lua_setfield(L, -2, (*c)->type->name);
  }
  for (const gl_opdef *const *def = gl_functions; *def; def++) {
    gl_op_push(L, *def);
    lua_setfield(L, -2, (*def)->name);
  }
  gl_file_open(L);
  gl_write_open(L);
  gl_lock_open(L);
  gl_image_file_open(L);
  gl_watchdog_open(L);
  gl_run_open(L);
  gl_peer_open(L);
  gl_nbd_open(L);
  gl_sandbox_open(L, s);
  gl_trace_open(L);
  gl_system_open(L);
  luaL_setfuncs(L, own, 0);
  set_words(L, "job_type", &gl_job_types);
  set_words(L, "block_job_type", &gl_block_job_types);
  push_versions(L);
  lua_setfield(L, -2, "version");
  return 1;
}

/* A compiled-in module: the loader in package.preload. upvalue: its gl_module */
static int open_module(lua_State *L)
{
  const gl_module *m = lua_touserdata(L, lua_upvalueindex(1));
  lua_pushfstring(L, "=%s", m->source);
  if (luaL_loadbufferx(L, (const char *)m->code, m->size, lua_tostring(L, -1), "b") != LUA_OK)
    return lua_error(L);
  gl_sandbox_trust(L);
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

static void preload(lua_State *L)
{
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, open_core);
  lua_setfield(L, -2, "guestlua.core");
  for (const gl_module *m = gl_modules; m->name; m++) {
    lua_pushlightuserdata(L, (void *)m);
    lua_pushcclosure(L, open_module, 1);
    lua_setfield(L, -2, m->name);
  }
  lua_pop(L, 1);
}

/* If Lua's functions are not bound at link time (see the Makefile), an older Lua may lack this one. */
#pragma weak luaL_checkversion_

int luaopen_guestlua(lua_State *L)
{
  if (!luaL_checkversion_) {
    lua_pushstring(L, "guestlua needs Lua 5.4");
    return lua_error(L);
  }
  luaL_checkversion(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, "guestlua") == LUA_TTABLE) /* this library's modules require it by this name, whatever name the program uses */
    return 1;
  preload(L);
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_getfield(L, -1, "guestlua");
  lua_pushliteral(L, "guestlua");
  lua_call(L, 1, 1);
  lua_pushvalue(L, -1);
  lua_setfield(L, -5, "guestlua");
  return 1;
}
