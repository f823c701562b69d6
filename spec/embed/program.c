/* What a program reads of errors, keeps in a state, decides about calls, and allocates. */
#include "check.h"

static bool has(lua_State *L, int error, const char *field, const char *value)
{
  int type = guestlua_error_field(L, error, field);
  bool same = value ? type == LUA_TSTRING && strcmp(lua_tostring(L, -1), value) == 0 : type == LUA_TNIL;
  lua_pop(L, 1);
  return same;
}

static void errors(void)
{
  lua_State *L = new_state(NULL);
  load(L, "guestlua.open('" URI "'):guest('nobody', { required = true })");
  CHECK(guestlua_run(L, 0) == LUA_ERRRUN);
  CHECK(has(L, -2, "kind", "no_domain") && has(L, -2, "host", URI) && has(L, -2, "nonsense", NULL));
  lua_settop(L, 0);
  load(L, "guestlua.open('" URI "'):guest('test'):launch()");
  CHECK(guestlua_run(L, 0) == LUA_ERRRUN);
  CHECK(guestlua_error_field(L, 1, "code") == LUA_TNUMBER && lua_tointeger(L, -1) > 0);
  lua_settop(L, 0);
  load(L, "error('a text', 0)");
  CHECK(guestlua_run(L, 0) == LUA_ERRRUN);
  CHECK(has(L, 1, "message", "a text") && has(L, 1, "kind", NULL));
  lua_settop(L, 0);
  load(L, "error(setmetatable({}, { __index = function() error('called') end }))");
  CHECK(guestlua_run(L, 0) == LUA_ERRRUN);
  CHECK(has(L, 1, "kind", NULL));
  guestlua_free(L);
}

static void json(void)
{
  static const guestlua_options options = {.size = sizeof options, .sandbox = true};
  lua_State *L = new_state(&options);
  run(
    L,
    "return { 1, 2.5, 'a\\0b', true }, { password = 'x', nothing = {} }, nil, setmetatable({}, { __tostring = function() error('called') end })");
  CHECK(strcmp(guestlua_json(L, 1), "[1,2.5,\"a\\\\x00b\",true]") == 0);
  lua_pop(L, 1);
  CHECK(strstr(guestlua_json(L, 2), "\"password\":\"***\""));
  lua_pop(L, 1);
  CHECK(strcmp(guestlua_json(L, 3), "null") == 0);
  lua_pop(L, 1);
  CHECK(strcmp(guestlua_json(L, 4), "[]") == 0);
  lua_settop(L, 0);
  load(L, "guestlua.open('" URI "'):guest('nobody', { required = true })");
  CHECK(guestlua_run(L, 0) == LUA_ERRRUN);
  CHECK(strstr(guestlua_json(L, 1), "\"kind\":\"no_domain\"") && lua_gettop(L) == 3);
  guestlua_free(L);
}

static void pointers(void)
{
  int one, other;
  lua_State *L = new_state(NULL), *M = new_state(NULL);
  CHECK(guestlua_user(L) == NULL);
  guestlua_set_user(L, &one);
  guestlua_set_user(M, &other);
  CHECK(guestlua_user(L) == &one && guestlua_user(M) == &other && lua_gettop(L) == 0);
  lua_State *co = lua_newthread(L);
  CHECK(guestlua_user(co) == &one);
  guestlua_set_user(L, NULL);
  CHECK(guestlua_user(L) == NULL);
  guestlua_free(L);
  guestlua_free(M);
}

typedef struct audit {
  int calls, changes;
  bool refuses;
  char last[100];
} audit;

static const char *on_call(void *opaque, const guestlua_call *call)
{
  audit *a = opaque;
  a->calls++;
  a->changes += call->changes;
  snprintf(a->last, sizeof a->last, "%s %s %s %s %s", call->method, call->function, call->uri ? call->uri : "-",
           call->object_type ? call->object_type : "-", call->object ? call->object : "-");
  return a->refuses && call->changes ? "not on a Friday" : NULL;
}

static void calls(void)
{
  audit a = {0};
  lua_State *L = new_state(NULL);
  run(L, "host = guestlua.open('" URI "') guest = host:guest('test')");
  guestlua_set_call(L, on_call, &a);
  run(L, "guest:is_active()");
  CHECK(a.calls == 1 && a.changes == 0 && strcmp(a.last, "is_active virDomainIsActive " URI " guest test") == 0);
  run(L, "guest:pause()");
  CHECK(a.calls == 2 && a.changes == 1 && strcmp(a.last, "pause virDomainSuspend " URI " guest test") == 0);
  a.refuses = true;
  load(L, "guest:resume()");
  CHECK(guestlua_run(L, 0) == LUA_ERRRUN);
  CHECK(has(L, -2, "kind", "not_allowed") && has(L, -2, "guest", "test") && has(L, -2, "op", "resume"));
  CHECK(strstr(guestlua_text(L, -2), "not on a Friday"));
  lua_settop(L, 0);
  guestlua_set_call(L, NULL, NULL);
  int before = a.calls;
  run(L, "guest:resume() assert(guest:get_info().domain_state == 'running')");
  CHECK(a.calls == before);
  guestlua_free(L);
}

typedef struct pool {
  size_t held, most;
} pool;

static void *counted(void *data, void *block, size_t old, size_t new)
{
  pool *p = data;
  p->held += new - (block ? old : 0);
  p->most = p->held > p->most ? p->held : p->most;
  if (new == 0) {
    free(block);
    return NULL;
  }
  return realloc(block, new);
}

static void allocator(void)
{
  pool p = {0, 0};
  guestlua_options options = {.size = sizeof options, .alloc = counted, .alloc_data = &p, .max_memory = 8 << 20};
  lua_State *L = new_state(&options);
  CHECK(p.held > 100000);
  load(L, "local t = {} while true do t[#t + 1] = {} end"); /* the limit is beside it */
  CHECK(guestlua_run(L, 0) != LUA_OK);
  CHECK(p.most < 10 << 20);
  guestlua_free(L);
  CHECK(p.held == 0);
}

int main(void)
{
  errors();
  json();
  pointers();
  calls();
  allocator();
  return 0;
}
