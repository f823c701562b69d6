#include "sandbox.h"

#include <lauxlib.h>
#include <string.h>

#include "error.h"

static const char trusted_key; /* in the registry: the globals of our own modules */

/* Instructions between two looks at how many there were. */
#define STEP 10000

/* ---- memory ---- */

/* Stands before the state's own allocator. What libxml2 and libvirt allocate is not counted. */
static void *limited_alloc(void *ud, void *block, size_t old, size_t new)
{
  gl_state *s = ud;
  size_t had = block ? old : 0;
  if (new > had && s->limit.memory_used + (new - had) > s->limit.memory)
    return NULL; /* Lua collects garbage and asks once more, and then raises "not enough memory" */
  void *result = s->limit.alloc(s->limit.alloc_data, block, old, new);
  if (result || new == 0)
    s->limit.memory_used += new - had;
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

/* The state s is a userdata of L, and goes before the last blocks do. */
void gl_sandbox_unlimit(lua_State *L, gl_state *s)
{
  if (s->limit.alloc)
    lua_setallocf(L, s->limit.alloc, s->limit.alloc_data);
}

/* ---- instructions ---- */

/* Our own modules go on, or nothing could be undone; what they cost counts all the same. */
static bool is_ours(lua_State *L, lua_Debug *ar)
{
  lua_getinfo(L, "S", ar);
  return strncmp(ar->source, "=guestlua/", 10) == 0;
}

static void on_count(lua_State *L, lua_Debug *ar)
{
  gl_state *s = gl_state_get(L);
  if (s->limit.instructions_left > STEP) {
    s->limit.instructions_left -= STEP;
    return;
  }
  s->limit.instructions_left = 0;
  lua_sethook(L, on_count, LUA_MASKCOUNT, 1); /* from here on each instruction fails: a pcall in a loop does not help */
  if (!is_ours(L, ar))
    gl_error_throw(L, "limit", "the script has used up the instructions that it may use");
}

void gl_sandbox_rehook(lua_State *L, gl_state *s)
{
  if (s->limit.counts)
    lua_sethook(L, on_count, LUA_MASKCOUNT, s->limit.instructions_left > 0 ? STEP : 1);
}

/* core.limit(bytes, instructions): nil leaves one as it is. Coroutines that are made from now on inherit the hook of who makes them. */
static int limit(lua_State *L)
{
  gl_state *s = gl_state_get(L);
  if (!lua_isnil(L, 1))
    limit_memory(L, s, (size_t)luaL_checkinteger(L, 1));
  if (!lua_isnil(L, 2)) {
    s->limit.counts = true;
    s->limit.instructions_left = luaL_checkinteger(L, 2);
    gl_sandbox_rehook(s->L, s);
    gl_sandbox_rehook(L, s);
  }
  return 0;
}

/* ---- globals ---- */

/* core.set_globals(table): what chunks that are loaded from now on have for globals. */
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

void gl_sandbox_open(lua_State *L)
{
  lua_pushglobaltable(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &trusted_key);
  lua_pushcfunction(L, limit);
  lua_setfield(L, -2, "limit");
  lua_pushcfunction(L, set_globals);
  lua_setfield(L, -2, "set_globals");
}
