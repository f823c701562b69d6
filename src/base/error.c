#include "base/error.h"

#include <lauxlib.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/printable.h"

static const char error_class[] = "guestlua.Error";

/* The first row that fits: of the kind, and of the method and of what the error is about, if it names them. What speaks of guests names its
 * subject: an error may be about a host or a disk. */
static const struct {
  const char *kind, *op, *subject, *hint;
} hints[] = {
  {"disconnected", NULL, NULL,
   "the connection is lost: host:reconnect() opens it again, and guestlua.open(uri, { reconnect = true }) does so by itself"},
  {"no_domain", NULL, "host", "host:guests() lists those there are; another connection has others: guestlua.open(URI)"},
  {"no_domain", NULL, "guest", "the guest was undefined meanwhile: look it up again with host:guest(name)"},
  {"no_domain", NULL, "disk", "the guest was undefined meanwhile: look it up again with host:guest(name)"},
  {"device_not_found", NULL, "guest",
   "guest:get_all_devices() lists those of the running guest, and with { from_persistent_config = true } those of its configuration"},
  {"device_not_found", NULL, "disk", "guest:get_all_disks() lists those there are: a disk is known by its target, as in \"vda\""},
  {"no_domain_checkpoint", NULL, "guest", "guest:get_checkpoint_names() lists those there are"},
  {"checkpoint_inconsistent", "backup_begin", "guest",
   "the images do not know any more what has changed since that checkpoint, as after a crash of QEMU: "
   "guest:delete_checkpoint(name, { metadata_only = true }), and a full backup is the next one; guestlua.workflow.backup does both"},
  {"no_domain_snapshot", NULL, "guest", "guest:get_snapshot_names() lists those there are"},
  {"no_network", NULL, "guest",
   "its configuration names a network that its host does not have, or that has not been started: host:networks()"},
  {"no_storage_pool", NULL, "guest", "its configuration names a storage pool that its host does not have: host:pools()"},
  {"no_storage_vol", NULL, "guest", "its configuration names a volume that the storage pool does not have: host:pool(name):volumes()"},
  {"no_secret", NULL, "guest", "its configuration names a secret that its host does not have: host:secrets()"},
  {"no_nwfilter", NULL, "guest", "its configuration names a network filter that its host does not have: host:nwfilters()"},
  {"operation_invalid", "resume", "guest",
   "guest:get_state() says why it does not run: one that sleeps (pmsuspended) is woken by guest:pm_wakeup()"},
  {"operation_invalid", "pause", "guest",
   "only a guest that runs can be paused: guest:get_state(); guestlua.workflow.ensure_running(guest) starts it, or wakes it"},
  {"operation_invalid", "pm_wakeup", "guest", "only a guest that sleeps can be woken: guest:get_state() says \"pmsuspended\" then"},
  {"operation_invalid", "delete_configuration", "guest",
   "a guest with snapshots needs snapshots_metadata, one with checkpoints checkpoints_metadata, one with UEFI variables support_uefi or "
   "keep_nvram"},
  {"operation_invalid", "launch", "guest", "it may run already: guest:is_active(), or workflow.ensure_running, which does not mind"},
  {"operation_invalid", "screenshot", "guest", "the guest has to run, and to have a <video> device"},
  {"invalid_arg", "set_memory", "guest",
   "guest:get_max_memory() is the most that it can have, in KiB; { maximum = true, config = true } changes that for its next start"},
  {"invalid_arg", "set_vcpus", "guest",
   "guest:get_max_vcpus() is the most that it can have while it runs; { maximum = true, config = true } changes that for its next start"},
  {"xml_invalid_schema", NULL, NULL, "element:validate() names the line and the element, as in guestlua.element(xml):validate()"},
  {"no_name", NULL, NULL,
   "in a table a text of its own is a list: { name = { \"web1\" } } is <name>, and { name = \"web1\" } an attribute"},
  {"no_connect", NULL, NULL, "is the daemon running, and may this user speak to it? Another URI: guestlua -c URI, or guestlua.open(URI)"},
  {"system_error", NULL, NULL, "the operating system refused: look at the file, the socket or the permission that the message names"},
  {"auth_failed", NULL, NULL, "the daemon refused this user: log in, or ask for the right to manage guests"},
  {"auth_unavailable", NULL, NULL, "the daemon asks for authentication and none could be made: is polkit running?"},
  {"operation_denied", NULL, NULL, "this connection is read-only: open it without readonly; in a dry run all are"},
  {"operation_timeout", NULL, "guest", "another operation holds the guest: look at guest:get_job_info(), then try again"},
  {"operation_timeout", NULL, "disk", "another operation holds the disk's guest: look at guest:get_job_info(), then try again"},
  {"operation_invalid", NULL, "agent",
   "its agent answers only while the guest runs: guestlua.workflow.ensure_running(guest) starts it, wakes it or resumes it"},
  {"argument_unsupported", NULL, "agent",
   "the guest has no channel for its agent: one of the name org.qemu.guest_agent.0; or the agent does not know the command"},
  {"agent_unresponsive", NULL, "guest", "is qemu-guest-agent running in the guest? After a boot guestlua.await_agent(guest) waits for it"},
  {"argument_unsupported", NULL, "guest", "this guest or this libvirt does not support the option"},
  {"argument_unsupported", NULL, "disk", "this libvirt, or the format of the disk's image, does not support the option"},
  {"no_support", NULL, NULL, "the driver of this connection does not implement the call"},
  {"block_copy_active", NULL, "disk", "the disk has a job already: wait with disk:await_job(), or end it with disk:abort_job()"},
  {"block_copy_active", NULL, "guest", "one of its disks has a job: wait with disk:await_job(), or end it with disk:abort_job()"},
  {"migrate_unsafe", NULL, "guest",
   "libvirt does not know that both hosts see the same disks: add the flag unsafe if they do, or copy them with non_shared_inc "
   "and migrate_disks"},
  {"dom_exist", NULL, NULL, "a guest of this name or UUID exists: host:guest(name) finds it"},
};

const char *gl_error_type_name(lua_State *L, int index)
{
  int type = lua_type(L, index);
  const char *name = lua_typename(L, type);
  if ((type != LUA_TUSERDATA && type != LUA_TTABLE) || luaL_getmetafield(L, index, "__name") == LUA_TNIL)
    return name;
  if (lua_type(L, -1) == LUA_TSTRING)
    name = lua_tostring(L, -1); /* which the metatable keeps */
  lua_pop(L, 1);
  return name;
}

void gl_error_set(lua_State *L, const char *key, const char *value)
{
  if (!value)
    return;
  lua_pushstring(L, value);
  lua_setfield(L, -2, key);
}

/* "script.lua:12" of the innermost function outside this library. */
static void set_where(lua_State *L)
{
  lua_Debug ar;
  for (int level = 0; lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sl", &ar);
    if (ar.currentline < 0 || strncmp(ar.source, "=guestlua/", 10) == 0)
      continue;
    lua_pushfstring(L, "%s:%d", ar.short_src, ar.currentline);
    lua_setfield(L, -2, "where");
    return;
  }
}

static bool fits(const char *wanted, const char *said)
{
  return !wanted || (said && strcmp(wanted, said) == 0);
}

bool gl_error_set_hint(lua_State *L, const char *kind, const char *op, const char *subject)
{
  for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
    if (strcmp(hints[i].kind, kind) == 0 && fits(hints[i].op, op) && fits(hints[i].subject, subject)) {
      gl_error_set(L, "hint", hints[i].hint);
      return true;
    }
  return false;
}

void gl_error_push(lua_State *L, const char *kind)
{
  lua_createtable(L, 0, 12);
  luaL_setmetatable(L, error_class);
  gl_error_set(L, "kind", kind);
  set_where(L);
  gl_error_set_hint(L, kind, NULL, NULL);
}

void gl_error_throw(lua_State *L, const char *kind, const char *fmt, ...)
{
  char text[512];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  gl_error_push(L, kind);
  gl_error_set(L, "message", text);
  lua_error(L);
  __builtin_unreachable();
}

/* A hint, or nil, is on top. */
static _Noreturn void raise_argument(lua_State *L, const char *method, const char *argument, const char *text)
{
  gl_error_push(L, "bad_argument");
  gl_error_set(L, "op", method);
  gl_error_set(L, "argument", argument);
  lua_pushfstring(L, "bad argument '%s' to '%s' (%s)", argument, method, text);
  lua_setfield(L, -2, "message");
  lua_pushvalue(L, -2);
  lua_setfield(L, -2, "hint");
  lua_error(L);
  __builtin_unreachable();
}

void gl_error_argument(lua_State *L, const char *method, const char *argument, const char *fmt, ...)
{
  char text[1024];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  lua_pushnil(L);
  raise_argument(L, method, argument, text);
}

void gl_error_argument_hinted(lua_State *L, const char *method, const char *argument, const char *fmt, ...)
{
  char text[1024];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  raise_argument(L, method, argument, text);
}

/* Adds fmt with the error's field in it, if the error has that field. */
static void add_field(lua_State *L, luaL_Buffer *b, const char *key, const char *before, const char *after)
{
  if (lua_getfield(L, 1, key) == LUA_TNIL) {
    lua_pop(L, 1);
    return;
  }
  luaL_tolstring(L, -1, NULL);
  lua_remove(L, -2);
  gl_printable_push(L, -1, GL_ESCAPE_LINES);
  lua_remove(L, -2);
  lua_pushfstring(L, "%s%s%s", before, lua_tostring(L, -1), after);
  lua_remove(L, -2);
  luaL_addvalue(b);
}

/* Pushes the errors of the undo (lua/guestlua/base/undo.lua), a line each, or "". */
static void push_undoing(lua_State *L)
{
  lua_pushliteral(L, "");
  if (lua_getfield(L, 1, "undoing") == LUA_TTABLE)
    for (lua_Integer i = 1; lua_rawgeti(L, 3, i) != LUA_TNIL; i++) {
      luaL_tolstring(L, -1, NULL);
      gl_printable_push(L, -1, GL_INDENT_LINES); /* an Error has lines of its own */
      lua_pushfstring(L, "%s\n  and while undoing: %s", lua_tostring(L, 2), lua_tostring(L, -1));
      lua_replace(L, 2);
      lua_settop(L, 3);
    }
  lua_settop(L, 2);
}

/* The fields keep their bytes; a line feed in one of them is shown as an escape, so that only this layout makes lines.
 * script.lua:12: disk 'vda' of guest 'web': commit: <message> (virDomainBlockCommit: invalid_arg, code 8 from qemu) \n hint: … */
static int error_tostring(lua_State *L)
{
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  push_undoing(L);
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  add_field(L, &b, "where", "", ": ");
  add_field(L, &b, "workflow", "", ": ");
  add_field(L, &b, "step", "step '", "': ");
  add_field(L, &b, "device_type", "", " ");
  add_field(L, &b, "device", "'", "' of ");
  lua_getfield(L, 1, "guest");
  bool guest = !lua_isnil(L, -1);
  lua_pop(L, 1);
  add_field(L, &b, "object_type", "", " ");
  add_field(L, &b, "object", "'", guest ? "' of " : "': ");
  add_field(L, &b, "guest", "guest '", "': ");
  lua_getfield(L, 1, "call");
  bool libvirt = !lua_isnil(L, -1);
  lua_pop(L, 1);
  if (libvirt)
    add_field(L, &b, "op", "", ": ");
  add_field(L, &b, "message", "", "");
  if (libvirt) {
    add_field(L, &b, "call", " (", ": ");
    add_field(L, &b, "kind", "", "");
    add_field(L, &b, "code", ", code ", "");
    add_field(L, &b, "domain", " from ", "");
    add_field(L, &b, "host", " on ", "");
    luaL_addchar(&b, ')');
  }
  add_field(L, &b, "hint", "\n  hint: ", "");
  add_field(L, &b, "outcome", "\n  outcome: ", "");
  lua_pushvalue(L, 2);
  luaL_addvalue(&b);
  luaL_pushresult(&b);
  return 1;
}

static int error_concat(lua_State *L)
{
  luaL_tolstring(L, 1, NULL);
  luaL_tolstring(L, 2, NULL);
  lua_concat(L, 2);
  return 1;
}

/* Of the error at 3, made of the fields at 1, for the kind at 2: it is about a disk, or about a guest. */
static void set_hint_by_fields(lua_State *L)
{
  bool has = lua_getfield(L, 3, "hint") != LUA_TNIL;
  lua_pop(L, 1);
  if (has)
    return;
  lua_getfield(L, 3, "op");
  lua_getfield(L, 3, "device_type");
  bool guest = lua_getfield(L, 3, "guest") != LUA_TNIL;
  const char *op = lua_type(L, 4) == LUA_TSTRING ? lua_tostring(L, 4) : NULL;
  const char *part = lua_type(L, 5) == LUA_TSTRING ? lua_tostring(L, 5) : NULL;
  lua_pushvalue(L, 3);
  gl_error_set_hint(L, lua_tostring(L, 2), op, part ? part : guest ? "guest" : NULL);
  lua_settop(L, 3);
}

/* guestlua.Error.new(fields): the constructor for the modules written in Lua. */
static int error_new(lua_State *L)
{
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  lua_getfield(L, 1, "kind");
  gl_error_push(L, luaL_checkstring(L, 2));
  for (lua_pushnil(L); lua_next(L, 1);) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, 3);
  }
  set_hint_by_fields(L);
  return 1;
}

/* guestlua.Error.is(value [, kind]): whether it is a guestlua.Error, of that kind. */
static int error_is(lua_State *L)
{
  lua_settop(L, 2);
  bool is = false;
  if (lua_istable(L, 1) && lua_getmetatable(L, 1)) {
    luaL_getmetatable(L, error_class);
    is = lua_rawequal(L, -1, -2);
    lua_settop(L, 2);
  }
  if (is && !lua_isnil(L, 2)) {
    lua_getfield(L, 1, "kind");
    is = lua_rawequal(L, 2, -1);
  }
  lua_pushboolean(L, is);
  return 1;
}

void gl_error_open(lua_State *L)
{
  luaL_newmetatable(L, error_class);
  lua_pushcfunction(L, error_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_pushcfunction(L, error_concat);
  lua_setfield(L, -2, "__concat");
  lua_pop(L, 1);
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, error_new);
  lua_setfield(L, -2, "new");
  lua_pushcfunction(L, error_is);
  lua_setfield(L, -2, "is");
}
