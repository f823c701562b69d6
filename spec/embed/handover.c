/* Handing libvirt's objects over, in both directions: who holds the references, and what is refused. */
#include "check.h"

typedef struct push_args {
  virConnectPtr conn;
  virDomainPtr dom;
} push_args;

/* Protected; 1: what to push, on `conn` or `dom` */
static int push(lua_State *L)
{
  push_args *args = lua_touserdata(L, 1);
  if (args->dom)
    guestlua_push_domain(L, args->dom);
  else
    guestlua_push_connect(L, args->conn);
  return 1;
}

static int push_null_domain(lua_State *L)
{
  guestlua_push_domain(L, NULL);
  return 1;
}

static int check_connect(lua_State *L)
{
  lua_pushlightuserdata(L, guestlua_check_connect(L, 1));
  return 1;
}

static int check_domain(lua_State *L)
{
  lua_pushlightuserdata(L, guestlua_check_domain(L, 1));
  return 1;
}

/* Calls fn(arg, the value below), which fails with an error of that kind and a text. */
static void refused(lua_State *L, lua_CFunction fn, void *arg, const char *kind, const char *text)
{
  lua_pushcfunction(L, fn);
  if (arg)
    lua_pushlightuserdata(L, arg);
  else
    lua_pushvalue(L, -2);
  CHECK(lua_pcall(L, 1, 1, 0) == LUA_ERRRUN);
  lua_getfield(L, -1, "kind");
  CHECK(lua_isstring(L, -1));
  if (strcmp(lua_tostring(L, -1), kind) != 0 || !strstr(guestlua_text(L, -2), text)) {
    fprintf(stderr, "expected %s, %s; got %s\n", kind, text, guestlua_text(L, -2));
    exit(1);
  }
  lua_settop(L, -4);
}

static void push_ok(lua_State *L, virConnectPtr conn, virDomainPtr dom)
{
  push_args args = {conn, dom};
  lua_pushcfunction(L, push);
  lua_pushlightuserdata(L, &args);
  CHECK(lua_pcall(L, 1, 1, 0) == LUA_OK);
}

static void *checked(lua_State *L, lua_CFunction fn, int index)
{
  index = lua_absindex(L, index);
  lua_pushcfunction(L, fn);
  lua_pushvalue(L, index);
  CHECK(lua_pcall(L, 1, 1, 0) == LUA_OK);
  void *result = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return result;
}

/* The program's objects outlive the state, and the state's outlive the program's. */
static void references(void)
{
  lua_State *L = new_state(NULL);
  virConnectPtr conn = virConnectOpen(URI);
  virDomainPtr dom = virDomainLookupByName(conn, "test");
  CHECK(dom);
  push_ok(L, conn, NULL);
  push_ok(L, NULL, dom);
  CHECK(checked(L, check_connect, -2) == conn);
  CHECK(checked(L, check_domain, -1) == dom);

  CHECK(virDomainFree(dom) == 0); /* Lua has its own */
  CHECK(virConnectClose(conn) > 0);
  lua_setglobal(L, "guest");
  lua_setglobal(L, "host");
  run(L, "assert(guest.host == host and guest:is_active() and guest.name == 'test' and host:guest('test').uuid == guest.uuid)");
  guestlua_free(L);

  L = new_state(NULL);
  conn = virConnectOpen(URI);
  dom = virDomainLookupByName(conn, "test");
  push_ok(L, NULL, dom);
  lua_setglobal(L, "guest");
  run(L, "guest:close()");
  push_ok(L, NULL, dom);
  lua_setglobal(L, "guest");
  run(L, "guest = nil collectgarbage() collectgarbage()");
  push_ok(L, conn, NULL);
  lua_setglobal(L, "host");
  run(L, "local events = host:subscribe('lifecycle') host:close() host = nil collectgarbage()");
  CHECK(virDomainIsActive(dom) == 1); /* the program's own are as they were */
  push_ok(L, conn, NULL);
  guestlua_free(L);
  CHECK(virDomainIsActive(dom) == 1);
  CHECK(virDomainFree(dom) == 0);
  CHECK(virConnectClose(conn) == 0); /* that was the last reference */
}

static void identity(void)
{
  lua_State *L = new_state(NULL);
  virConnectPtr one = virConnectOpen(URI), two = virConnectOpen(URI);
  virDomainPtr of_one = virDomainLookupByName(one, "test"), of_two = virDomainLookupByName(two, "test");
  push_ok(L, one, NULL);
  push_ok(L, one, NULL);
  CHECK(lua_rawequal(L, -1, -2));
  push_ok(L, NULL, of_two); /* a domain of another connection */
  lua_setglobal(L, "guest2");
  lua_setglobal(L, "host");
  push_ok(L, NULL, of_one);
  lua_setglobal(L, "guest");
  run(L, "assert(guest.host == host and guest2.host ~= host) host:close() assert(guest2:is_active())");
  push_ok(L, one, NULL); /* that one is closed: this is a new Host */
  lua_setglobal(L, "again");
  run(L, "assert(again ~= host and again:guest('test'):is_active())");

  /* What the script opened, seen by the program and given back. */
  run(L, "mine = guestlua.open('test:///default') return mine, mine:guest('test')");
  virConnectPtr conn = checked(L, check_connect, -2);
  virDomainPtr dom = checked(L, check_domain, -1);
  CHECK(conn && virDomainGetConnect(dom) == conn);
  push_ok(L, conn, NULL);
  CHECK(lua_rawequal(L, -1, -3));
  push_ok(L, NULL, dom);
  lua_setglobal(L, "back");
  run(L, "assert(back.host == mine)");
  guestlua_free(L);
  CHECK(virDomainFree(of_one) == 0 && virDomainFree(of_two) == 0);
  CHECK(virConnectClose(one) == 0 && virConnectClose(two) == 0);
}

static void bad_input(void)
{
  lua_State *L = new_state(NULL);
  virConnectPtr conn = virConnectOpen(URI);
  virDomainPtr dom = virDomainLookupByName(conn, "test");
  refused(L, push, &(push_args){NULL, NULL}, "bad_argument", "a virConnectPtr expected, got NULL");
  refused(L, push_null_domain, L, "bad_argument", "a virDomainPtr expected, got NULL");
  refused(L, push, &(push_args){(virConnectPtr)dom, NULL}, "invalid_conn", "no open connection");
  refused(L, push, &(push_args){NULL, (virDomainPtr)conn}, "invalid_domain", "no domain");

  run(L, "closed = guestlua.open('test:///default') guest = closed:guest('test') closed:close() return closed");
  refused(L, check_connect, NULL, "closed", "this Host is closed");
  lua_getglobal(L, "guest");
  refused(L, check_domain, NULL, "closed", "this Guest is closed");
  refused(L, check_connect, NULL, "bad_argument", "Host expected");
  lua_pushinteger(L, 5);
  refused(L, check_domain, NULL, "bad_argument", "Guest expected, got number");

  /* Who opened a connection opens it again: here nobody knows whether it is read-only. */
  push_ok(L, conn, NULL);
  lua_setglobal(L, "host");
  run(L, "local ok, e = pcall(host.reconnect, host) assert(not ok and e.kind == 'no_support', e)");
  run(L, "collectgarbage() guestlua.sleep(0.1) assert(guestlua.alive().hosts == 1, guestlua.alive().hosts)");
  guestlua_free(L);
  virDomainFree(dom);
  CHECK(virConnectClose(conn) == 0);

  /* Not opened here, and too new. */
  L = luaL_newstate();
  CHECK(guestlua_run(L, 0) == GUESTLUA_WRONG_THREAD && guestlua_spawn(L, 0) == GUESTLUA_WRONG_THREAD);
  CHECK(guestlua_fd(L) == GUESTLUA_WRONG_THREAD && guestlua_timeout(L) == -1 && guestlua_dispatch(L) == GUESTLUA_WRONG_THREAD);
  CHECK(guestlua_result(L, 1) == GUESTLUA_WRONG_THREAD && lua_gettop(L) == 0);
  guestlua_interrupt(L, 2);
  guestlua_interrupt(NULL, 2);
  guestlua_status(L);
  lua_pushcfunction(L, push_null_domain);
  CHECK(lua_pcall(L, 0, 0, 0) == LUA_ERRRUN && strstr(lua_tostring(L, -1), "luaopen_guestlua was not called"));
  lua_close(L);
  guestlua_free(NULL);

  char why[200];
  struct {
    guestlua_options options;
    int more;
  } newer = {.options.size = sizeof newer, .more = 1};
  CHECK(!guestlua_new(&newer.options, why, sizeof why) && strstr(why, "newer guestlua.h"));
  newer.more = 0;
  guestlua_free(new_state(&newer.options));
  CHECK(!guestlua_new(&(guestlua_options){0}, why, sizeof why) && strstr(why, "size is not set"));
  CHECK(!guestlua_new(&(guestlua_options){0}, NULL, 0));
  const char *const unknown[] = {"Guest.get_inf", NULL};
  guestlua_options allow = {.size = sizeof allow, .allow = unknown};
  CHECK(!guestlua_new(&allow, why, sizeof why) && strstr(why, "Guest.get_inf"));
  guestlua_options late = {.size = sizeof late, .own_event_loop = true};
  CHECK(!guestlua_new(&late, why, sizeof why) && strstr(why, "before the first state") && guestlua_choose(true, false) == -1);
  guestlua_options older = {.size = offsetof(guestlua_options, sandbox), .uri = URI, .readonly = true, .sandbox = true};
  L = new_state(&older);
  run(L, "assert(io) local host = guestlua.open() assert(host.uri == 'test:///default') "
         "local ok, e = pcall(function() host:guest('test'):poweroff() end) assert(not ok and e.kind == 'operation_denied')");
  guestlua_free(L);
}

int main(void)
{
  references();
  identity();
  bad_input();
  guestlua_end();
  return 0;
}
