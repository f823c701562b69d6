/* Apart from the differences in coroutine.h, these behave like Lua's own, see lcorolib.c. */
#include "loop/coroutine.h"

#include <lauxlib.h>
#include <lualib.h>

#include "loop/sandbox.h"
#include "loop/task.h"

/* co's error is on top of L. The function made by wrap raises it, and prefixes a text with the caller's line. */
static int fail(lua_State *L, lua_State *co, bool wrapped)
{
  if (!wrapped) {
    lua_pushboolean(L, false);
    lua_insert(L, -2);
    return 2;
  }
  int status = lua_status(co);
  if (status != LUA_OK && status != LUA_YIELD) { /* it failed, and was not dead before */
    status = lua_resetthread(co);                /* closes its to-be-closed variables */
    lua_xmove(co, L, 1);
  }
  if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  return lua_error(L);
}

static int go_on(lua_State *L, int status, lua_KContext wrapped);

/* The stack: the coroutine, and nargs values for it. */
static int resume(lua_State *L, int nargs, bool wrapped)
{
  lua_State *co = lua_tothread(L, 1);
  gl_state *s = gl_state_get(L);
  if (!lua_checkstack(co, nargs + 1)) {
    lua_pushliteral(L, "too many arguments to resume");
    return fail(L, co, wrapped);
  }
  gl_task_hold(L, co, false); /* makes the entry: nothing may raise once the task is parked */
  lua_xmove(L, co, nargs);
  int results;
  int status = gl_task_resume_inner(L, s, co, nargs, &results);
  if (status == LUA_YIELD && gl_task_is_parked(L, s)) {
    lua_pop(co, results);
    gl_task_hold(L, co, true);
    return lua_yieldk(L, 0, wrapped, go_on);
  }
  if (status != LUA_OK && status != LUA_YIELD) {
    lua_xmove(co, L, 1);
    return fail(L, co, wrapped);
  }
  if (!lua_checkstack(L, results + 1)) {
    lua_pop(co, results);
    lua_pushliteral(L, "too many results to resume");
    return fail(L, co, wrapped);
  }
  lua_pushboolean(L, true);
  lua_xmove(co, L, results);
  return wrapped ? results : results + 1;
}

/* The wait inside it is over. */
static int go_on(lua_State *L, int status, lua_KContext wrapped)
{
  (void)status;
  return resume(L, 0, wrapped);
}

static int begin(lua_State *L, bool wrapped)
{
  lua_State *co = lua_tothread(L, 1);
  if (!gl_task_is_held(L, 1))
    return resume(L, lua_gettop(L) - 1, wrapped);
  lua_pushliteral(L, "cannot resume non-suspended coroutine"); /* Lua's words for one that is busy */
  return fail(L, co, wrapped);
}

/* upvalue of those that use it: Lua's own */
static int call_own(lua_State *L)
{
  return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

static int co_resume(lua_State *L)
{
  return lua_tothread(L, 1) ? begin(L, false) : call_own(L);
}

static int co_close(lua_State *L)
{
  lua_State *co = lua_tothread(L, 1);
  if (co && gl_task_is_held(L, 1))
    return luaL_error(L, "cannot close a normal coroutine");
  return call_own(L);
}

static int co_status(lua_State *L)
{
  lua_State *co = lua_tothread(L, 1);
  if (!co || !gl_task_is_held(L, 1))
    return call_own(L);
  lua_pushliteral(L, "normal");
  return 1;
}

/* What coroutine.wrap returns. upvalue: the coroutine */
static int call_wrapped(lua_State *L)
{
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  return begin(L, true);
}

/* Makes a coroutine of the function at index 1, on top of the stack. */
static void make(lua_State *L)
{
  gl_state *s = gl_state_get(L);
  luaL_checktype(L, 1, LUA_TFUNCTION);
  gl_sandbox_count_coroutine(s);
  lua_State *co = lua_newthread(L);
  lua_pushvalue(L, 1);
  gl_sandbox_guard_coroutine(L, s);
  lua_xmove(L, co, 1);
}

static int co_create(lua_State *L)
{
  make(L);
  return 1;
}

static int co_wrap(lua_State *L)
{
  make(L);
  lua_pushcclosure(L, call_wrapped, 1);
  return 1;
}

void gl_coroutine_open(lua_State *L)
{
  static const luaL_Reg functions[] = {{"create", co_create}, {"resume", co_resume}, {"wrap", co_wrap},
                                       {"close", co_close},   {"status", co_status}, {NULL, NULL}};
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, LUA_COLIBNAME) == LUA_TTABLE)
    for (const luaL_Reg *f = functions; f->name; f++) {
      lua_getfield(L, -1, f->name);
      lua_pushcclosure(L, f->func, 1);
      lua_setfield(L, -2, f->name);
    }
  lua_pop(L, 2);
}

#ifdef __SANITIZE_THREAD__
#include <setjmp.h>

/* liblua may have been built to jump with this (_FORTIFY_SOURCE), which the sanitizer does not intercept: its own stack then grows with
 * each yield and each error until it is full. */
__attribute__((visibility("default"))) void __longjmp_chk(jmp_buf env, int value);
void __longjmp_chk(jmp_buf env, int value)
{
  longjmp(env, value);
}
#endif
