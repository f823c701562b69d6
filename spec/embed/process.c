/* guestlua_sandbox_process: scripts in processes of their own, for a program: process GUESTLUA */
#include <poll.h>

#include "check.h"

static const char *command;

/* Pushes the function that runs the script. */
static void push_script(lua_State *L, const char *text, guestlua_process options)
{
  options.size = sizeof options;
  options.program = command;
  guestlua_sandbox_process(L, &options, text, strlen(text), "=script");
}

static lua_State *sandbox(const char *const *allow)
{
  guestlua_options options = {.size = sizeof options, .uri = URI, .sandbox = true, .allow = allow};
  return new_state(&options);
}

static void check_error(lua_State *L, const char *kind)
{
  guestlua_error_field(L, -2, "kind");
  if (!lua_tostring(L, -1) || strcmp(lua_tostring(L, -1), kind) != 0)
    fprintf(stderr, "%s\n", guestlua_text(L, -3));
  CHECK(strcmp(lua_tostring(L, -1), kind) == 0);
  lua_settop(L, 0);
}

/* The program's domain goes there and comes back; the list of what is allowed holds. */
static void check_values(virDomainPtr dom)
{
  static const char *const allow[] = {"guestlua.open", "Host.guest", "Guest.get_info", NULL};
  lua_State *L = sandbox(allow);
  push_script(L,
              "local guest, text = ...\n"
              "assert(guest:get_info().domain_state == 'running' and guestlua.open():guest('test').name == 'test')\n"
              "local ok, e = pcall(guest.pause, guest)\n"
              "assert(not ok and e.kind == 'not_allowed')\n"
              "return guest, text .. '!', { 1, { 2.5 } }",
              (guestlua_process){0});
  guestlua_push_domain(L, dom);
  lua_pushlstring(L, "a\0b", 3);
  if (guestlua_run(L, 2) != LUA_OK)
    fprintf(stderr, "%s\n", guestlua_text(L, -2));
  CHECK(lua_gettop(L) == 3);
  CHECK(guestlua_check_domain(L, 1) == dom);
  CHECK(lua_rawlen(L, 2) == 4 && memcmp(lua_tostring(L, 2), "a\0b!", 4) == 0);
  CHECK(lua_rawgeti(L, 3, 2) == LUA_TTABLE && lua_rawgeti(L, -1, 1) == LUA_TNUMBER && lua_tonumber(L, -1) == 2.5);
  guestlua_free(L);
}

static void check_limits(void)
{
  lua_State *L = sandbox(NULL);
  push_script(L, "while true do end", (guestlua_process){.max_seconds = 1});
  CHECK(guestlua_run(L, 0) == LUA_ERRRUN);
  check_error(L, "limit");
  push_script(L, "while true do end", (guestlua_process){.max_instructions = 1000000});
  CHECK(guestlua_run(L, 0) == LUA_ERRRUN);
  check_error(L, "limit");
  push_script(L, "local t = {} while true do t[#t + 1] = ('x'):rep(1e6) .. #t end", (guestlua_process){.max_memory = 32 << 20});
  CHECK(guestlua_run(L, 0) == LUA_ERRRUN);
  CHECK(strstr(guestlua_text(L, -2), "not enough memory"));
  lua_settop(L, 0);
  push_script(L, "return 1", (guestlua_process){0});
  CHECK(guestlua_run(L, 0) == LUA_OK && lua_tointeger(L, -1) == 1);
  guestlua_free(L);
}

/* In the program's own loop: two at once, and its state ends while a third one runs. */
static void check_loop(void)
{
  lua_State *L = sandbox(NULL);
  for (int i = 1; i <= 2; i++) {
    push_script(L, "guestlua.sleep(0.01) return guestlua.open():guest('test').name", (guestlua_process){0});
    CHECK(guestlua_spawn(L, 0) == LUA_OK);
  }
  while (guestlua_dispatch(L) > 0)
    poll(&(struct pollfd){.fd = guestlua_fd(L), .events = POLLIN}, 1, guestlua_timeout(L));
  for (int i = 1; i <= 2; i++) {
    CHECK(guestlua_result(L, i) == LUA_OK && strcmp(lua_tostring(L, -1), "test") == 0);
    lua_pop(L, 1);
  }
  push_script(L, "guestlua.sleep(1000)", (guestlua_process){0});
  CHECK(guestlua_spawn(L, 0) == LUA_OK);
  guestlua_dispatch(L);
  guestlua_free(L);
}

/* A state ends while a program runs that its script started: no signal of a child's end finds it any more. */
static void check_end(void)
{
  lua_State *L = new_state(NULL);
  load(L, "guestlua.run('sleep', { args = { '1000' } })");
  CHECK(guestlua_spawn(L, 0) == LUA_OK);
  guestlua_dispatch(L);
  guestlua_free(L);
  CHECK(system("true") == 0);
}

/* Protected: a state that is no sandbox. */
static int refused(lua_State *L)
{
  push_script(L, "return 1", (guestlua_process){0});
  lua_call(L, 0, 0);
  return 0;
}

static int newer(lua_State *L)
{
  guestlua_sandbox_process(L, &(guestlua_process){.size = sizeof(guestlua_process) + 8}, "", 0, "=x");
  return 1;
}

int main(int argc, char **argv)
{
  CHECK(argc == 2);
  command = argv[1];
  virConnectPtr conn = virConnectOpen(URI);
  virDomainPtr dom = virDomainLookupByName(conn, "test");
  CHECK(dom);
  check_values(dom);
  check_limits();
  check_loop();
  check_end();
  lua_State *L = new_state(NULL);
  lua_pushcfunction(L, refused);
  CHECK(lua_pcall(L, 0, 0, 0) == LUA_ERRRUN && strstr(guestlua_text(L, -1), "a state that is a sandbox"));
  lua_pushcfunction(L, newer);
  CHECK(lua_pcall(L, 0, 0, 0) == LUA_ERRRUN && strstr(guestlua_text(L, -1), "options.size"));
  guestlua_free(L);
  virDomainFree(dom);
  virConnectClose(conn);
  return 0;
}
