/* The module, and "guestlua.core" that the modules in Lua are written over. */
#include "guestlua.h"

#include <lauxlib.h>
#include <libvirt/libvirt.h>
#include <libxml/parser.h>
#include <libxml/xmlversion.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/image_file.h"
#include "base/lock.h"
#include "base/watchdog.h"
#include "base/masked.h"
#include "base/system.h"
#include "call/class.h"
#include "call/op.h"
#include "call/watch.h"
#include "element/element.h"
#include "event/event.h"
#include "loop/coroutine.h"
#include "loop/interrupt.h"
#include "loop/luv.h"
#include "loop/park.h"
#include "loop/sandbox.h"
#include "loop/state.h"
#include "module/modules.h"
#include "module/task_class.h"
#include "virt/disk/disk.h"
#include "virt/guest/guest.h"
#include "virt/host/embedded.h"
#include "virt/host/host.h"

static const gl_class *const classes[] = {&gl_host_class,    &gl_guest_class, &gl_block_device_class, &gl_subscription_class,
                                          &gl_element_class, &gl_task_class,  &gl_signal_class,       NULL};

static int now(lua_State *L)
{
  lua_pushnumber(L, gl_time());
  return 1;
}
static const gl_opdef now_def = {
  .name = "now",
  .help = "Seconds on a clock that only goes forward; only differences mean something.",
  .returns = "number",
  .invoke = now,
};

static const gl_param sleep_params[] = {
  GL_ARG_HERE("seconds", GL_NUMBER, true, "how long, from 0 up"),
  GL_END,
};
static const gl_opdef sleep_def = {
  .name = "sleep",
  .help = "Waits, and lets other tasks run meanwhile.",
  .params = sleep_params,
  .invoke = gl_task_sleep,
};

static int isatty_(lua_State *L)
{
  luaL_Stream *file = luaL_testudata(L, 1, LUA_FILEHANDLE);
  if (!file)
    gl_error_argument(L, "isatty", "file", "file expected, got %s", luaL_typename(L, 1));
  lua_pushboolean(L, file->closef && uv_guess_handle(fileno(file->f)) == UV_TTY);
  return 1;
}
static const gl_param isatty_params[] = {
  GL_ARG_HERE("file", GL_ANY, true, "an open file, as io.stdout"),
  GL_END,
};
static const gl_opdef isatty_def = {
  .name = "isatty",
  .help = "Whether an open file is a terminal.",
  .params = isatty_params,
  .returns = "boolean",
  .invoke = isatty_,
};

static int alive(lua_State *L)
{
  const gl_counters *c = &gl_state_get(L)->alive;
  const struct {
    const char *name;
    int value;
  } values[] = {{"tasks", c->tasks}, {"ops", c->ops}, {"hosts", c->hosts}, {"guests", c->guests}, {"subscriptions", c->subscriptions}};
  lua_createtable(L, 0, 5);
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    lua_pushinteger(L, values[i].value);
    lua_setfield(L, -2, values[i].name);
  }
  return 1;
}
static const gl_opdef alive_def = {
  .name = "alive",
  .help =
    "How many tasks, calls in flight, connections, guests and subscriptions there are: what a program that should hold none can check.",
  .returns = "a table: tasks, ops, hosts, guests, subscriptions",
  .invoke = alive,
};

static const gl_opdef *const functions[] = {
  &gl_host_open, &gl_embedded_prepare, &gl_element_make, &gl_task_spawn_op, &gl_signal_make, &sleep_def, &now_def, &isatty_def, &alive_def,
  NULL};

/* core.check_self(value, class, method): the check that methods written in C make, for those written in Lua. */
static int check_self(lua_State *L)
{
  const char *name = luaL_checkstring(L, 2), *method = luaL_checkstring(L, 3);
  for (const gl_class *const *c = classes; *c; c++)
    if (strcmp((*c)->name, name) == 0) {
      const gl_opdef def = {.name = method};
      gl_op op = {.def = &def};
      gl_object *o = gl_object_check(L, 1, *c, method);
      if (o->host && (*c)->bind)
        (*c)->bind(L, o, &op); /* raises where a BlockDevice's guest is closed */
    }
  return 0;
}

/* Pushes name, call, help, returns and params of an operation as a table. */
static void push_doc(lua_State *L, const gl_opdef *def, bool field)
{
  const char *const texts[][2] = {{"name", def->name}, {"call", def->call}, {"help", def->help}, {"returns", def->returns}};
  lua_createtable(L, 0, 5);
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    lua_pushstring(L, texts[i][1]);
    lua_setfield(L, -2, texts[i][0]);
  }
  lua_pushboolean(L, def->changes);
  lua_setfield(L, -2, "changes");
  lua_pushboolean(L, def->run && !def->memory);
  lua_setfield(L, -2, "calls");
  gl_opts_push(L, def->params, def->run && !def->memory && !field);
  lua_setfield(L, -2, "params");
}

/* Appends the docs of a table of operations to the list on top of the stack. */
static void add_docs(lua_State *L, const gl_opdef *const *defs, bool fields)
{
  for (; defs && *defs; defs++) {
    push_doc(L, *defs, fields);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  }
}

/* core.documentation(): what help() and the manual are made of. */
static int documentation(lua_State *L)
{
  lua_newtable(L);
  lua_newtable(L);
  add_docs(L, functions, false);
  lua_setfield(L, -2, "functions");
  lua_newtable(L);
  for (lua_Integer i = 0; classes[i]; i++) {
    lua_createtable(L, 0, 4);
    lua_pushstring(L, classes[i]->name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, classes[i]->help);
    lua_setfield(L, -2, "help");
    lua_newtable(L);
    for (const gl_opdef *const *const *table = classes[i]->ops; *table; table++)
      add_docs(L, *table, false);
    lua_setfield(L, -2, "methods");
    lua_newtable(L);
    add_docs(L, classes[i]->fields, true);
    lua_setfield(L, -2, "fields");
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "classes");
  return 1;
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

/* "guestlua.core" */
static int open_core(lua_State *L)
{
  luaL_checkversion(L);
  if (gl_event_start() < 0)
    return luaL_error(L, "guestlua: cannot start libvirt's event thread");
  xmlInitParser();
  gl_state *s = gl_state_open(L);
  gl_task_open(L, s);
  gl_event_open(L, s);
  gl_interrupt_open(s);
  gl_op_open(L);
  gl_coroutine_open(L);
  lua_newtable(L);
  gl_error_open(L);
  lua_setfield(L, -2, "Error");
  for (const gl_class *const *c = classes; *c; c++) {
    gl_class_open(L, *c);
    lua_setfield(L, -2, (*c)->name);
  }
  for (const gl_opdef *const *def = functions; *def; def++) {
    gl_op_push(L, *def, NULL);
    lua_setfield(L, -2, (*def)->name);
  }
  gl_file_open(L);
  gl_lock_open(L);
  gl_image_file_open(L);
  gl_watchdog_open(L);
  gl_sandbox_open(L, s);
  gl_sandbox_open(L, s);
  gl_log_open(L);
  gl_masked_open(L);
  gl_system_open(L);
  lua_pushcfunction(L, check_self);
  lua_setfield(L, -2, "check_self");
  lua_pushcfunction(L, gl_task_shield);
  lua_setfield(L, -2, "shield");
  lua_pushcfunction(L, gl_task_within);
  lua_setfield(L, -2, "within");
  lua_pushcfunction(L, gl_task_check_cancelled);
  lua_setfield(L, -2, "check");
  lua_pushcfunction(L, gl_task_heard);
  lua_setfield(L, -2, "heard");
  lua_pushcfunction(L, gl_task_list);
  lua_setfield(L, -2, "task_list");
  lua_pushcfunction(L, gl_luv_share);
  lua_setfield(L, -2, "share_loop");
  lua_pushcfunction(L, documentation);
  lua_setfield(L, -2, "documentation");
  push_versions(L);
  lua_setfield(L, -2, "version");
  return 1;
}

/* A module that is compiled in: the loader in package.preload. upvalue: its gl_module */
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

/* Where Lua's functions are not bound when this is linked (see the Makefile), an older Lua may be without this one. */
#pragma weak luaL_checkversion_

int luaopen_guestlua(lua_State *L)
{
  if (!luaL_checkversion_) {
    lua_pushstring(L, "guestlua needs Lua 5.4");
    return lua_error(L);
  }
  luaL_checkversion(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, "guestlua") == LUA_TTABLE) /* our own modules require it by this name, whatever the program's is */
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
