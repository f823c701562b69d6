#include "loop/sandbox.h"

#include <lauxlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"

static const char trusted_key; /* in the registry: the globals of this library's own modules */

/* Instructions between two checks of the count. */
#define STEP 1000

/* The reserve that this library's own modules may use beyond the limit, or nothing could be undone. */
#define GRACE 20000000

/* Nanoseconds of the processor that cost as much as an instruction, which needs some 5. So whatever a script has C functions do is paid
 * for, at the next check at the latest: here by the time that it takes, which nobody can know beforehand. What could be endless in one
 * call is charged before: lua/guestlua/sandbox/costs.lua. */
#define NANOSECONDS 100

/* Bytes that cost as much as an instruction. */
#define BYTES 64

/* Bytes that libxml2 uses for each byte of a document's text. */
#define XML_FACTOR 16

/* The most that a state can owe: what is charged beyond that is let go, or a script that catches the errors could go on until the number
 * wraps around. */
#define MOST_OWED (1LL << 60)

static void pay(gl_state *s, long long cost)
{
  bool owes = s->limit.instructions_left < cost - MOST_OWED;
  s->limit.instructions_left = owes ? -MOST_OWED : s->limit.instructions_left - cost;
}

/* ---- memory ---- */

/* Wraps the state's own allocator. */
static void *limited_alloc(void *ud, void *block, size_t old, size_t new)
{
  gl_state *s = ud;
  size_t had = block ? old : 0;
  if (new > had && s->limit.memory_used + (new - had) > s->limit.memory) {
    pay(s, (long long)(s->limit.memory_used / BYTES));
    return NULL; /* Lua collects garbage (charged above), asks once more, and then raises "not enough memory" */
  }
  void *result = s->limit.alloc(s->limit.alloc_data, block, old, new);
  if (result || new == 0)
    s->limit.memory_used += new - had;
  if (result)
    pay(s, (long long)(new / BYTES)); /* one instruction can copy long strings */
  return result;
}

static void limit_memory(lua_State *L, gl_state *s, size_t bytes)
{
  if (!s->limit.alloc) {
    s->limit.memory_used = (size_t)lua_gc(L, LUA_GCCOUNT) * 1024 + (size_t)lua_gc(L, LUA_GCCOUNTB);
    s->limit.alloc = lua_getallocf(L, &s->limit.alloc_data);
    lua_setallocf(L, limited_alloc, s);
  }
  s->limit.memory = bytes;
}

/* The state s is a userdata of L, and is freed before the last blocks are. */
static void unlimit(gl_state *s)
{
  if (s->limit.alloc)
    lua_setallocf(s->L, s->limit.alloc, s->limit.alloc_data);
}

static bool has_room(const gl_state *s, size_t more)
{
  return s->limit.memory_used + (s->xml_size + more) * XML_FACTOR <= s->limit.memory;
}

void gl_sandbox_check_xml(lua_State *L, const gl_state *s, size_t more)
{
  if (!s->limit.alloc || has_room(s, more))
    return;
  lua_gc(L, LUA_GCCOLLECT);
  if (!has_room(s, more))
    gl_error_throw(L, "limit", "not enough memory: the XML documents take more than there is left");
}

/* ---- instructions ---- */

/* Whether the function at that level may run on although the limit is reached. */
static bool goes_on(lua_State *L, const gl_state *s, int level)
{
  lua_Debug ar;
  return s->limit.instructions_left >= -GRACE && lua_getstack(L, level, &ar) && gl_state_is_own(L, &ar);
}

bool gl_sandbox_is_used_up(const gl_state *s)
{
  return s->limit.counts && s->limit.instructions_left <= 0;
}

void gl_sandbox_stop(lua_State *L)
{
  gl_error_throw(L, "limit", "the script has used up the instructions that it may use");
}

long long gl_sandbox_time(void)
{
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

void gl_sandbox_pay_time(gl_state *s, long long ns)
{
  pay(s, ns / NANOSECONDS);
}

/* Pays for the time since the last check; returns its cost. Outside of tasks the time is the program's own. */
static long long settle(gl_state *s)
{
  long long now = gl_sandbox_time(), cost = s->running != s->root ? (now - s->limit.seen) / NANOSECONDS : 0;
  s->limit.seen = now;
  pay(s, cost);
  return cost;
}

void gl_sandbox_turn(gl_state *s)
{
  settle(s);
}

atomic_bool gl_sandbox_counts;

void gl_sandbox_settle(lua_State *L)
{
  gl_state *s = gl_state_get(L);
  if (!s->limit.counts)
    return;
  settle(s);
  if (s->limit.instructions_left <= 0 && !goes_on(L, s, 1))
    gl_sandbox_stop(L);
}

static void on_count(lua_State *L, lua_Debug *ar)
{
  gl_state *s = gl_state_get(L);
  int count = lua_gethookcount(L), step = STEP;
  long long cost = settle(s);
  if (cost < count)
    pay(s, count - cost);
  else if (cost > count) /* the dearer they are the sooner is the next check */
    step = cost / count < STEP ? (int)(STEP * (long long)count / cost) : 1;
  if (s->limit.instructions_left <= 0)
    step = 1; /* from here on each instruction fails: a pcall in a loop does not help */
  if (step != count)
    lua_sethook(L, on_count, LUA_MASKCOUNT, step);
  if (s->limit.instructions_left <= 0 && !goes_on(L, s, 0))
    gl_sandbox_stop(L);
  s->hooks.cut(L, s, ar);
}

void gl_sandbox_rehook(lua_State *L, gl_state *s)
{
  if (s->limit.counts)
    lua_sethook(L, on_count, LUA_MASKCOUNT, s->limit.instructions_left > 0 ? STEP : 1);
}

/* Lua counts the instructions of each coroutine by itself: what it runs before its hook is first called is paid in advance. */
void gl_sandbox_count_coroutine(gl_state *s)
{
  pay(s, STEP);
}

void gl_sandbox_charge(lua_State *L, gl_state *s, long long cost, int level)
{
  if (!s->limit.counts)
    return;
  pay(s, cost);
  if (s->limit.instructions_left <= 0 && !goes_on(L, s, level))
    gl_sandbox_stop(L);
}

/* core.charge(cost), for functions in Lua that replace some of Lua's: on behalf of the caller's caller. */
static int charge(lua_State *L)
{
  gl_sandbox_charge(L, gl_state_get(L), luaL_checkinteger(L, 1), 2);
  return 0;
}

/* core.limit(bytes, instructions): nil leaves one as it is. Coroutines made from now on inherit the hook of the coroutine that makes them.
 */
static int limit(lua_State *L)
{
  gl_state *s = gl_state_get(L);
  if (!lua_isnil(L, 1))
    limit_memory(L, s, (size_t)luaL_checkinteger(L, 1));
  if (!lua_isnil(L, 2)) {
    s->limit.counts = true;
    atomic_store(&gl_sandbox_counts, true);
    s->limit.instructions_left = luaL_checkinteger(L, 2);
    s->limit.seen = gl_sandbox_time();
    gl_sandbox_rehook(s->L, s);
    gl_sandbox_rehook(L, s);
  }
  return 0;
}

/* ---- protected calls ---- */

/* Nested calls: beyond this depth Lua spends more time on its stack with each error than a script is charged for. */
#define MAX_PROTECTED_DEPTH 2000

static int protected_end(lua_State *L, int status, lua_KContext ctx)
{
  (void)ctx;
  if (status == LUA_OK || status == LUA_YIELD)
    return lua_gettop(L);
  lua_pushboolean(L, 0);
  lua_pushvalue(L, -2);
  return 2;
}

/* core.pcall: Lua's own, unless calls are nested that deep. */
static int protected_call(lua_State *L)
{
  lua_Debug ar;
  luaL_checkany(L, 1);
  if (lua_getstack(L, MAX_PROTECTED_DEPTH, &ar)) {
    gl_sandbox_charge(L, gl_state_get(L), MAX_PROTECTED_DEPTH / 4, 1); /* the check itself costs time */
    return luaL_error(L, "stack overflow (a pcall in more than %d calls)", MAX_PROTECTED_DEPTH);
  }
  lua_pushboolean(L, 1);
  lua_insert(L, 1);
  return protected_end(L, lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, protected_end), 0);
}

static int guarded_end(lua_State *L, int status, lua_KContext ctx)
{
  (void)ctx;
  return status == LUA_OK || status == LUA_YIELD ? lua_gettop(L) : lua_error(L);
}

/* upvalue: the function of a coroutine */
static int guarded(lua_State *L)
{
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  return guarded_end(L, lua_pcallk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, 0, guarded_end), 0);
}

/* Lua calls no hooks while a hook raises an error, and they stay off in a coroutine that dies of it: code that closes its variables would
 * no longer be counted. So its function is called in a protected call, in which the error ends. */
void gl_sandbox_guard_coroutine(lua_State *L, const gl_state *s)
{
  if (s->limit.counts)
    lua_pushcclosure(L, guarded, 1);
}

/* ---- globals ---- */

/* core.set_globals(table): the globals of chunks loaded from now on. */
static int set_globals(lua_State *L)
{
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
  return 0;
}

void gl_sandbox_trust(lua_State *L)
{
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &trusted_key) != LUA_TTABLE || !lua_setupvalue(L, -2, 1))
    lua_pop(L, 1);
}

void gl_sandbox_open(lua_State *L, gl_state *s)
{
  static const luaL_Reg functions[] = {
    {"limit", limit}, {"charge", charge}, {"set_globals", set_globals}, {"pcall", protected_call}, {NULL, NULL}};
  gl_state_at_close(s, unlimit);
  lua_pushglobaltable(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &trusted_key);
  luaL_setfuncs(L, functions, 0);
}
