/*
 * Waiting. A task is parked. Code that cannot be parked (in table.sort, in a finalizer, in a program without tasks) waits in place: it
 * turns the loop itself until it is woken, and the other tasks run meanwhile.
 */
#ifndef GL_PARK_H
#define GL_PARK_H

#include <lua.h>
#include <stdbool.h>

#include "loop/sandbox.h"
#include "loop/wait.h"

/* Parks the caller until it is woken, cancelled or out of time, then calls k; if it cannot be parked, it waits in place. Raises at once
 * if the caller was cancelled before. Use as `return gl_task_wait(…)`. [-0, +0, v] */
int gl_task_wait(lua_State *L, gl_wait wait, lua_KContext ctx, lua_KFunction k);

/* The same, on the thread of the state and after gl_task_check. [-0, +0, v] */
int gl_task_park(lua_State *L, gl_state *s, const gl_wait *wait, lua_KContext ctx, lua_KFunction k);

/* The kind that gl_task_cancel asked for, once; NULL: no request, or it has to wait. [-0, +0, -] */
static inline const char *gl_task_cancelled(gl_state *s)
{
  gl_task *t = s->running;
  if (t->shields || !(t->cancelled || s->limit.counts))
    return NULL;
  const char *kind = gl_sandbox_is_used_up(s) ? "limit" : t->cancelled;
  if (kind)
    t->cancelled = NULL;
  return kind;
}

/* Raises an error of the kind that gl_task_cancelled has given; the same, if it gives one. [-0, +0, v] */
_Noreturn void gl_task_raise(lua_State *L, gl_state *s, const char *kind);
void gl_task_check(lua_State *L, gl_state *s);

/* The same after a wait of which a wake ends one: the next one of the list gets what this task was woken for. [-0, +0, v] */
void gl_task_check_given(lua_State *L, gl_state *s, gl_waitlist *list);

/* Pushes a list with the activity of each task: number, what, seconds. [-0, +1, e] */
int gl_task_list(lua_State *L);

/* guestlua.sleep, core.shield; core.check(): gl_task_check. */
int gl_task_sleep(lua_State *L);
int gl_task_check_cancelled(lua_State *L);
int gl_task_shield(lua_State *L);

/* core.within(end, each, fn, …): calls fn. The libvirt calls that this task makes meanwhile end by `end`, on the clock of guestlua.now,
 * and those without a limit of their own take at most `each` seconds; 0: no limit. One within
 * another is in its place, even if it is longer: what is done about a failure has its own time if that of the step is over. */
int gl_task_within(lua_State *L);

/* core.calls_end(): the present `end` of core.within, nil if there is none. */
int gl_task_calls_end(lua_State *L);

#endif
