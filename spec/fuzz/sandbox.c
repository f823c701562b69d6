/* libFuzzer: any bytes as a script in a sandbox, which is a state of its own for each script. */
#include <poll.h>
#include <string.h>
#include <time.h>

#include "harness.h"

enum {
  MEMORY = 24 << 20,
  INSTRUCTIONS = 2000000,
  SECONDS = 10,      /* of the processor: some ten times what the instructions and the reserve of our own modules may take */
  PATIENCE = 10,     /* milliseconds that a script may wait with nothing happening */
  INTERRUPTS = 5,    /* then it is closed as it is */
  LONGEST_TEXT = 64, /* for patterns: a bad one can take any time, which is documented */
  LONGEST_PATTERN = 8,
};

static void fail(const char *what, const char *more)
{
  fprintf(stderr, "finding: %s: %s\n", what, more);
  abort();
}

/* ---- what a script must not get hold of ---- */

enum { MOST_FORBIDDEN = 512 };

typedef struct scan {
  const void *forbidden[MOST_FORBIDDEN];
  int count;
  int seen; /* the index of a table of tables */
} scan;

static void forbid(lua_State *L, scan *s, int index)
{
  const void *pointer = lua_topointer(L, index);
  if (!pointer)
    return;
  if (s->count == MOST_FORBIDDEN)
    fail("sandbox.c", "too much is forbidden");
  s->forbidden[s->count++] = pointer;
}

/* The loaded module of that name: the table, and all functions in it, or those that are named. */
static void forbid_module(lua_State *L, scan *s, const char *module, const char *const *names)
{
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, module) != LUA_TTABLE)
    fail("sandbox.c: no module", module);
  forbid(L, s, -1);
  for (; names && *names; names++) {
    lua_getfield(L, -1, *names);
    forbid(L, s, -1);
    lua_pop(L, 1);
  }
  if (!names)
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
      if (lua_isfunction(L, -1))
        forbid(L, s, -1);
  lua_pop(L, 2);
}

/* The tables in that module: classes and the like, which our own modules call. */
static void forbid_tables(lua_State *L, scan *s, const char *module)
{
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, module);
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
    if (lua_istable(L, -1))
      forbid(L, s, -1);
  lua_pop(L, 2);
}

static void forbid_all(lua_State *L, scan *s)
{
  static const char *const libraries[] = {"string", "table", "math", "coroutine", "utf8", "guestlua", NULL}, *const none[] = {NULL};
  static const char *const os[] = {"execute", "exit", "getenv", "remove", "rename", "setlocale", "tmpname", NULL};
  static const char *const globals[] = {"dofile", "loadfile", "load", "require", "getmetatable", "setmetatable", "collectgarbage",
                                        "pcall",  "xpcall",   "warn", NULL};
  static const char *const core[] = {"charge",     "limit",   "set_globals",  "run",       "command", "write_file",  "remove_file", "lock",
                                     "make_image", "on_call", "remove_image", "calls_end", "within",  "begin_write", NULL};
  lua_pushvalue(L, LUA_REGISTRYINDEX);
  forbid(L, s, -1);
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  forbid(L, s, -1);
  lua_pop(L, 2);
  forbid_module(L, s, "_G", globals);
  forbid_module(L, s, "os", os);
  forbid_module(L, s, "io", NULL);
  forbid_module(L, s, "debug", NULL);
  forbid_module(L, s, "package", NULL);
  forbid_module(L, s, "guestlua.core", core);
  for (const char *const *library = libraries; *library; library++)
    forbid_module(L, s, *library, none);
  forbid_tables(L, s, "guestlua.core");
  forbid_tables(L, s, "guestlua");
}

static void scan_value(lua_State *L, scan *s, int depth)
{
  const void *pointer = lua_topointer(L, -1);
  for (int i = 0; pointer && i < s->count; i++)
    if (s->forbidden[i] == pointer)
      fail("the script got hold of what it must not have", lua_typename(L, lua_type(L, -1)));
  if (!lua_istable(L, -1) || depth > 50)
    return;
  if (lua_rawgetp(L, s->seen, pointer) == LUA_TNIL) {
    lua_pushboolean(L, 1);
    lua_rawsetp(L, s->seen, pointer);
    lua_pop(L, 1);
    luaL_checkstack(L, 8, NULL);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
      scan_value(L, s, depth + 1);
      lua_pushvalue(L, -2);
      scan_value(L, s, depth + 1);
      lua_pop(L, 1);
    }
  } else {
    lua_pop(L, 1);
  }
}

/* Protected: looks through all that the script's globals hold. 1: the scan */
static int scan_globals(lua_State *L)
{
  scan *s = lua_touserdata(L, 1);
  lua_newtable(L);
  s->seen = lua_gettop(L);
  lua_pushglobaltable(L);
  scan_value(L, s, 0);
  return 0;
}

/* ---- running ---- */

/* upvalue: a function of Lua's that takes a text and a pattern. Our own modules' patterns are none of the script's. */
static int with_short_pattern(lua_State *L)
{
  lua_Debug ar;
  bool trusted = lua_getstack(L, 1, &ar) && lua_getinfo(L, "S", &ar) && strncmp(ar.source, "=guestlua/", 10) == 0;
  if (!trusted && (lua_rawlen(L, 1) > LONGEST_TEXT || lua_rawlen(L, 2) > LONGEST_PATTERN))
    return luaL_error(L, "not here: a long pattern or text");
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  return lua_gettop(L);
}

/* What our own modules raise on a script's behalf is a guestlua.Error, and no fault in them. What the sandbox has in the place of Lua's
 * functions raises as those do. */
static int check_error(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  (void)ctx;
  const char *e = lua_gettop(L) > 1 && !lua_toboolean(L, 1) && lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  if (strncmp(e, "guestlua/", 9) == 0 && strncmp(e, "guestlua/sandbox/", 17) != 0 && strstr(e, ": attempt to "))
    fail("a module has a fault", e);
  return lua_gettop(L);
}

/* upvalue: pcall */
static int watched_pcall(lua_State *L)
{
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_callk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, check_error);
  return check_error(L, LUA_OK, 0);
}

static int nothing(lua_State *L)
{
  (void)L;
  return 0;
}

/* The table on top of the stack is a string library. */
static void shorten_patterns(lua_State *L)
{
  static const char *const names[] = {"find", "match", "gmatch", "gsub", NULL};
  for (const char *const *name = names; *name; name++) {
    lua_getfield(L, -1, *name);
    lua_pushcclosure(L, with_short_pattern, 1);
    lua_setfield(L, -2, *name);
  }
}

static void ignore_line(void *opaque, const char *level, const char *line)
{
  (void)opaque;
  (void)level;
  (void)line;
}

static lua_State *new_sandbox(scan *s)
{
  char why[256];
  const guestlua_options options = {
    .size = sizeof options, .uri = "test:///default", .sandbox = true, .max_memory = MEMORY, .max_instructions = INSTRUCTIONS};
  lua_State *L = guestlua_new(&options, why, sizeof why);
  if (!L)
    fail("guestlua_new", why);
  guestlua_set_log(L, NULL, ignore_line, NULL);
  forbid_all(L, s);
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, "string");
  shorten_patterns(L);
  lua_getglobal(L, "string");
  shorten_patterns(L);
  lua_getglobal(L, "pcall");
  lua_pushcclosure(L, watched_pcall, 1);
  lua_setglobal(L, "pcall");
  lua_pushcfunction(L, nothing);
  lua_setglobal(L, "print");
  lua_settop(L, 0);
  return L;
}

/* Runs all tasks until they have ended, or wait for what nobody brings. */
static void run_tasks(lua_State *L)
{
  int interrupts = 0;
  while (guestlua_dispatch(L) > 0 && interrupts < INTERRUPTS) {
    int left = guestlua_timeout(L);
    struct pollfd fd = {.fd = guestlua_fd(L), .events = POLLIN};
    bool is_due = left >= 0 && left <= PATIENCE;
    if (poll(&fd, 1, is_due ? left : PATIENCE) == 0 && !is_due) {
      guestlua_interrupt(L, 0);
      interrupts++;
    }
  }
}

static void check_time(const char *script, clock_t began)
{
  if (clock() - began > (clock_t)SECONDS * CLOCKS_PER_SEC)
    fail("the script did not end within its limits", script);
}

/* run(script): whether it ended without an error, and its result or error as a text. */
static int run(lua_State *outer)
{
  scan s = {.count = 0};
  size_t length;
  const char *script = luaL_checklstring(outer, 1, &length);
  lua_State *L = new_sandbox(&s);
  clock_t began = clock();
  int status = luaL_loadbufferx(L, script, length, "=script", "t");
  if (status == LUA_OK && guestlua_spawn(L, 0) == LUA_OK) {
    run_tasks(L);
    status = guestlua_result(L, 1);
  }
  check_time(script, began);
  lua_pushboolean(outer, status == LUA_OK);
  lua_pushstring(outer, lua_gettop(L) > 1 ? guestlua_text(L, 2) : lua_gettop(L) > 0 ? guestlua_text(L, 1) : "");
  lua_settop(L, 0);
  lua_pushcfunction(L, scan_globals);
  lua_pushlightuserdata(L, &s);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK && !strstr(guestlua_text(L, -1), "not enough memory"))
    fail("cannot look through the script's globals", guestlua_text(L, -1));
  guestlua_free(L);
  return 2;
}

static const luaL_Reg natives[] = {{"run", run}, {NULL, NULL}};
HARNESS("sandbox", natives)
