#include "loop/scope.h"

#include <lauxlib.h>

static const char class_name[] = "guestlua.scope";

/* What holds for the task now. Of limits, the innermost. */
static void apply(gl_task *t)
{
  const gl_scope *scope, *limits = NULL;
  t->shields = 0;
  LIST_FOREACH (scope, &t->scopes, entry) {
    t->shields += scope->shields;
    if (!limits && !scope->shields)
      limits = scope;
  }
  t->calls_end = limits ? limits->calls_end : 0;
  t->each_call = limits ? limits->each_call : 0;
}

static void take_out(gl_scope *scope)
{
  gl_task *t = scope->task;
  if (scope->listed)
    LIST_REMOVE(scope, entry);
  scope->listed = false;
  scope->task = NULL;
  if (t)
    apply(t);
}

static void put_in(gl_scope *scope, gl_task *t)
{
  scope->listed = true;
  scope->task = t;
  LIST_INSERT_HEAD(t ? &t->scopes : &scope->state->aside, scope, entry);
  if (t)
    apply(t);
}

gl_scope *gl_scope_begin(lua_State *L, gl_task *t, bool shields, double calls_end, double each_call)
{
  gl_scope *scope = lua_newuserdatauv(L, sizeof *scope, 1);
  *scope = (gl_scope){.state = t->state, .L = L, .shields = shields, .calls_end = calls_end, .each_call = each_call};
  luaL_setmetatable(L, class_name);
  lua_pushthread(L); /* no other coroutine gets its address while the scope is on a list */
  lua_setiuservalue(L, -2, 1);
  put_in(scope, t);
  return scope;
}

void gl_scope_end(gl_scope *scope)
{
  take_out(scope);
}

/* A coroutine that is collected does not end its scopes. */
static int collect(lua_State *L)
{
  take_out(lua_touserdata(L, 1));
  return 0;
}

void gl_scope_set_aside(gl_task *t, const lua_State *co)
{
  while (gl_scope_is_in(t, co)) {
    gl_scope *scope = LIST_FIRST(&t->scopes);
    take_out(scope);
    put_in(scope, NULL);
  }
}

void gl_scope_take_up(gl_task *t, const lua_State *co)
{
  for (gl_scope *scope = LIST_FIRST(&t->state->aside), *next; scope; scope = next) {
    next = LIST_NEXT(scope, entry);
    if (scope->L != co)
      continue;
    take_out(scope);
    put_in(scope, t);
  }
}

void gl_scope_forget(gl_task *t)
{
  while (!LIST_EMPTY(&t->scopes))
    take_out(LIST_FIRST(&t->scopes));
}

void gl_scope_open(lua_State *L)
{
  luaL_newmetatable(L, class_name);
  lua_pushcfunction(L, collect);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
}
