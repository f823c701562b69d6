/* Running, a program's own loop, the log, and what is refused there. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

#include "check.h"

/* Dispatches until no task is left, or the given number of turns is over. */
static int loop(lua_State *L, int turns)
{
  int tasks;
  while ((tasks = guestlua_dispatch(L)) > 0 && turns-- > 0) {
    struct pollfd fd = {.fd = guestlua_fd(L), .events = POLLIN};
    int timeout = guestlua_timeout(L);
    CHECK(poll(&fd, 1, timeout < 0 || timeout > 10000 ? 10000 : timeout) >= 0 || errno == EINTR);
  }
  return tasks;
}

static void spawn(lua_State *L, const char *text)
{
  load(L, text);
  CHECK(guestlua_spawn(L, 0) == LUA_OK);
}

static void running(void)
{
  lua_State *L = new_state(NULL);
  load(L, "local a, b = ... return b, a, guestlua.open('test:///default'):guest('test').name");
  lua_pushinteger(L, 1);
  lua_pushinteger(L, 2);
  CHECK(guestlua_run(L, 2) == LUA_OK && lua_gettop(L) == 3);
  CHECK(lua_tointeger(L, 1) == 2 && lua_tointeger(L, 2) == 1 && strcmp(lua_tostring(L, 3), "test") == 0);
  lua_settop(L, 0);
  load(L, "local function deep() error({ code = 5 }) end deep()");
  CHECK(guestlua_run(L, 0) == LUA_ERRRUN && lua_gettop(L) == 2 && lua_istable(L, 1));
  CHECK(strstr(lua_tostring(L, 2), "in upvalue 'deep'") || strstr(lua_tostring(L, 2), "in local 'deep'"));
  lua_settop(L, 0);
  load(L, "error(setmetatable({}, { __tostring = function() error('x') end }))");
  CHECK(guestlua_run(L, 0) == LUA_ERRRUN && strstr(guestlua_text(L, 1), "has no text"));
  lua_settop(L, 0);
  run(L, "return table.unpack({}, 1, 200)");
  CHECK(lua_gettop(L) == 200);
  lua_settop(L, 0);
  run(L, "guestlua.spawn(guestlua.sleep, 1000)"); /* is cancelled, and not waited for */
  guestlua_free(L);
}

/* A task that computes does not keep the program. Under the thread sanitizer no signal comes meanwhile. */
static void slices(void)
{
#ifndef __SANITIZE_THREAD__
  const guestlua_options sliced = {.size = sizeof sliced, .slice = 1};
  lua_State *cut = new_state(&sliced);
  spawn(cut, "while not stop do end");
  for (int turns = 0; turns < 5; turns++)
    CHECK(guestlua_dispatch(cut) == 1 && guestlua_timeout(cut) == 0);
  lua_pushboolean(cut, 1);
  lua_setglobal(cut, "stop");
  CHECK(loop(cut, 100) == 0);
  guestlua_free(cut);
#endif
}

static void dispatching(void)
{
  lua_State *L = new_state(NULL);
  CHECK(guestlua_fd(L) >= 0 && guestlua_dispatch(L) == 0);
  spawn(L, "local host <close> = guestlua.open('test:///default') guestlua.sleep(0.01) return host:guest('test').name, host.hostname, 3");
  CHECK(guestlua_timeout(L) == 0 && guestlua_result(L, 1) == GUESTLUA_RUNNING && lua_gettop(L) == 1);
  CHECK(loop(L, 1000) == 0);
  for (int again = 0; again < 2; again++, lua_settop(L, 1))
    CHECK(guestlua_result(L, 1) == LUA_OK && lua_gettop(L) == 4 && strcmp(lua_tostring(L, 2), "test") == 0 && lua_tointeger(L, 4) == 3);
  lua_settop(L, 0);

  spawn(L, "error('no')");
  CHECK(loop(L, 10) == 0 && guestlua_result(L, -1) == LUA_ERRRUN && strstr(lua_tostring(L, -2), "no") &&
        strstr(lua_tostring(L, -1), "stack"));
  CHECK(guestlua_result(L, 99) == LUA_ERRERR);
  lua_settop(L, 0);
  lua_pushinteger(L, 5);
  CHECK(guestlua_spawn(L, 0) == LUA_ERRRUN && lua_gettop(L) == 1);
  lua_settop(L, 0);

  /* Tasks that only yield do not keep the program. */
  spawn(L, "for i = 1, 1000 do coroutine.yield() end");
  int turns = 0;
  for (; guestlua_dispatch(L) > 0; turns++)
    CHECK(guestlua_timeout(L) == 0);
  CHECK(turns > 100);

  /* An interrupt reaches every task, the computing too. */
  spawn(L, "guestlua.sleep(1000)");
  spawn(L, "local undo <close> = setmetatable({}, { __close = function() guestlua.sleep(0.01) undone = true end }) guestlua.sleep(1000)");
  CHECK(loop(L, 2) == 2);
  guestlua_interrupt(L, SIGINT);
  CHECK(loop(L, 100) == 0);
  for (int task = -2; task <= -1; task++) {
    CHECK(guestlua_result(L, task) == LUA_ERRRUN);
    lua_getfield(L, -2, "kind");
    CHECK(strcmp(lua_tostring(L, -1), "interrupted") == 0);
    lua_pop(L, 3);
  }
  run(L, "assert(undone)");
  guestlua_free(L);
}

/* Called by a script: as a signal handler would. */
static int interrupt(lua_State *L)
{
  guestlua_interrupt(lua_touserdata(L, lua_upvalueindex(1)), SIGINT);
  return 0;
}

/* Every task that there is when the interrupt is asked for stops, whatever it does, and none that is made later. */
static void interrupting(void)
{
  lua_State *L = new_state(NULL);
  lua_pushlightuserdata(L, L);
  lua_pushcclosure(L, interrupt, 1);
  lua_setglobal(L, "interrupt");
  static const char *const tasks[] = {
    "coroutine.yield() while true do end",
    "while true do coroutine.yield() end",
    "interrupt() while true do end",
    "while true do end",
    "coroutine.wrap(function() while true do end end)()",
    "local undo <close> = setmetatable({}, { __close = function() later = guestlua.spawn(function() for i = 1, 1e5 do end return 1 end) "
    "guestlua.sleep(0.01) undone = true end }) while true do end",
    "local inner = coroutine.wrap(function() guestlua.sleep(1000) end) inner()",
    "guestlua.sleep(1000)",
  };
  enum { COUNT = sizeof tasks / sizeof *tasks };
  for (int i = 0; i < COUNT; i++)
    spawn(L, tasks[i]);
  CHECK(loop(L, 1000) == 0);
  for (int i = 1; i <= COUNT; i++) {
    CHECK(guestlua_result(L, i) == LUA_ERRRUN);
    lua_getfield(L, -2, "kind");
    CHECK(strcmp(lua_tostring(L, -1), "interrupted") == 0);
    lua_settop(L, COUNT);
  }
  run(L, "assert(undone and later:wait() == 1)");
  lua_settop(L, 0);

  /* Tasks of a run that compute: they are cancelled when it ends, and end. */
  load(L, "for i = 1, 3 do guestlua.spawn(function() if i == 1 then interrupt() end while true do end end) end guestlua.sleep(1000)");
  CHECK(guestlua_run(L, 0) == LUA_ERRRUN);
  lua_getfield(L, 1, "kind");
  CHECK(strcmp(lua_tostring(L, -1), "interrupted") == 0);
  lua_settop(L, 0);
  run(L, "local t = guestlua.spawn(function() for i = 1, 1e5 do end return 7 end) assert(t:wait() == 7)"); /* and the next run is as ever */
  guestlua_free(L);
}

/* Called by a script. */
static int nested(lua_State *L)
{
  lua_State *main = lua_touserdata(L, lua_upvalueindex(1));
  CHECK(guestlua_dispatch(main) == GUESTLUA_NESTED);
  load(L, "guestlua.sleep(0.001) return 7");
  CHECK(guestlua_run(L, 0) == LUA_OK);
  return 1;
}

static void nesting(void)
{
  lua_State *L = new_state(NULL);
  lua_pushlightuserdata(L, L);
  lua_pushcclosure(L, nested, 1);
  lua_setglobal(L, "nested");
  run(L, "assert(nested() == 7)");
  spawn(L, "local other = guestlua.spawn(guestlua.sleep, 0.05) assert(nested() == 7) other:wait()");
  CHECK(loop(L, 1000) == 0 && guestlua_result(L, -1) == LUA_OK);
  guestlua_free(L);
}

/* ---- threads ---- */

static int push_null(lua_State *L)
{
  guestlua_push_connect(L, NULL);
  return 1;
}

static void *other_thread(void *data)
{
  lua_State *L = data;
  CHECK(guestlua_dispatch(L) == GUESTLUA_WRONG_THREAD && guestlua_fd(L) == GUESTLUA_WRONG_THREAD && guestlua_timeout(L) == -1);
  CHECK(guestlua_run(L, 0) == GUESTLUA_WRONG_THREAD && guestlua_spawn(L, 0) == GUESTLUA_WRONG_THREAD);
  CHECK(guestlua_result(L, 1) == GUESTLUA_WRONG_THREAD);
  return NULL;
}

/* The state's own thread waits meanwhile. */
static void *other_thread_runs_lua(void *data)
{
  lua_State *L = data;
  CHECK(luaL_dostring(L, "return guest:is_active()") != LUA_OK && strstr(guestlua_text(L, -1), "belongs to another thread"));
  CHECK(luaL_dostring(L, "guestlua.sleep(0.01)") != LUA_OK && strstr(guestlua_text(L, -1), "belongs to another thread"));
  lua_pushcfunction(L, push_null);
  CHECK(lua_pcall(L, 0, 0, 0) != LUA_OK && strstr(guestlua_text(L, -1), "on another thread"));
  return NULL;
}

static void wrong_thread(void)
{
  pthread_t thread;
  lua_State *L = new_state(NULL);
  spawn(L, "host = guestlua.open('test:///default') guest = host:guest('test') for i = 1, 20 do guest:is_active() end");
  CHECK(pthread_create(&thread, NULL, other_thread, L) == 0);
  CHECK(loop(L, 1000) == 0); /* at the same time */
  pthread_join(thread, NULL);
  CHECK(pthread_create(&thread, NULL, other_thread_runs_lua, L) == 0);
  pthread_join(thread, NULL);
  guestlua_free(L);
}

/* ---- ends ---- */

static void closed(void)
{
  /* While calls are in flight, events come, tasks wait. */
  lua_State *L = new_state(NULL);
  spawn(L, "host = guestlua.open('test:///default') guest = host:guest('test') events = guest:subscribe('lifecycle') events:next()");
  spawn(L, "local host = guestlua.open('test:///default') while true do host:guests() end");
  for (int i = 0; i < 5; i++)
    spawn(L, "while true do guestlua.open('test:///default'):close() end");
  loop(L, 20);
  lua_close(L);
  CHECK(guestlua_dispatch(L) == GUESTLUA_WRONG_THREAD && guestlua_fd(L) == GUESTLUA_WRONG_THREAD && guestlua_timeout(L) == -1);
  guestlua_interrupt(L, SIGINT); /* by a signal that comes late */
  guestlua_status(L);
}

static int fail(lua_State *L)
{
  return luaL_error(L, "failed");
}

static void out_of_memory(void)
{
  guestlua_options options = {.size = sizeof options, .sandbox = true, .max_memory = 8 << 20, .max_instructions = 20000000};
  lua_State *L = new_state(&options);
  load(L, "kept = {} pcall(function() while true do kept[#kept + 1] = ('x'):rep(1000) .. #kept end end) error('full')");
  CHECK(guestlua_run(L, 0) != LUA_OK);
  lua_settop(L, 0);
  /* There is no room for a task, and no panic either. */
  int status = LUA_OK;
  for (int i = 0; i < 200 && status == LUA_OK; i++) {
    lua_pushcfunction(L, fail);
    status = guestlua_run(L, 0);
    CHECK(status != LUA_OK && lua_gettop(L) == 2 && lua_isstring(L, 2) && guestlua_text(L, 1));
    lua_settop(L, 0);
    lua_pushnil(L);
    lua_setglobal(L, "kept");
  }
  guestlua_free(L);
}

/* ---- the log ---- */

typedef struct lines {
  int count;
  char level[20], last[300];
} lines;

static void on_line(void *opaque, const char *level, const char *line)
{
  lines *l = opaque;
  l->count++;
  snprintf(l->level, sizeof l->level, "%s", level);
  snprintf(l->last, sizeof l->last, "%s", line);
}

static void logging(void)
{
  lua_State *L = new_state(NULL);
  lines l = {0};
  guestlua_set_log(L, "info", on_line, &l);
  run(L, "guestlua.log.info('hello', { password = 'geheim', guest = 'web' }) guestlua.log.debug('not wanted')");
  CHECK(l.count == 1 && strcmp(l.level, "info") == 0 && strstr(l.last, "hello guest=web password=***"));
  guestlua_set_log(L, "trace", on_line, &l);
  run(L, "local host <close> = guestlua.open('test:///default')");
  CHECK(l.count > 1 && strstr(l.last, "virConnect"));
  l.count = 0;
  guestlua_set_log(L, "error", NULL, NULL);
  run(L, "guestlua.log.error('on standard error')");
  CHECK(l.count == 0);
  guestlua_free(L);
}

int main(void)
{
  running();
  dispatching();
  slices();
  interrupting();
  nesting();
  wrong_thread();
  closed();
  out_of_memory();
  logging();
  guestlua_end();
  return 0;
}
