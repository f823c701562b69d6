/*
 * Tasks: the coroutines that the loop resumes. task.c is the only file that calls lua_resume.
 *
 * A task waits for one thing at a time: it parks with gl_task_wait, something on the Lua thread calls gl_task_wake, and the continuation
 * then looks whether what it waits for is there (and may park again). Callbacks of libuv only mark tasks as ready; they are resumed
 * between two turns of the loop, so that no Lua code ever runs inside uv_run.
 */
#ifndef GL_TASK_H
#define GL_TASK_H

#include <lua.h>
#include <stdbool.h>

#include "class.h"
#include "op.h"
#include "state.h"

struct gl_task {
  gl_state *state;
  lua_State *L; /* its coroutine; NULL for the idle task */
  int anchor;   /* keeps the coroutine in the registry */
  uv_timer_t timer;
  gl_task *next;          /* in the ready list */
  gl_task *other, **link; /* in state->all */
  const char *cancelled;  /* the kind of the error to raise at its next or present wait */
  char *traceback;        /* where its error came from, once it failed */
  bool waiting, timed_out, done, failed;
  gl_task *joiner; /* waits for its end */
  bool abandoned;  /* nobody will ask for its results: it is freed when it is done */
};

/* Makes a task of the function and its nargs arguments on top of the stack; it starts when the loop next runs. [-(nargs+1), +0, e] */
gl_task *gl_task_spawn(lua_State *L, int nargs);

/* Runs the loop until t is done. Its results, or its error where t->failed, are then on the stack of t->L. */
void gl_task_join(gl_task *t);

/* Cancels all tasks and runs the loop until they have ended. */
void gl_task_end_all(gl_state *s);

/* Frees a task that is done. */
void gl_task_free(gl_task *t);

/* The task that L is the coroutine of, if it can be parked now; NULL for other coroutines, those that run inside a task included, and
 * across C calls. [-0, +0, -] */
gl_task *gl_task_current(lua_State *L, gl_state *s);

/*
 * Parks the caller until it is woken or `seconds` have passed (negative: no limit), then calls k. Where the caller is no task it runs
 * the loop in place; other tasks then stand still. Use as `return gl_task_wait(…)`. The continuation starts with gl_task_check. [-0, +0, v]
 */
int gl_task_wait(lua_State *L, double seconds, lua_KContext ctx, lua_KFunction k);

/* The task that a wait begun by L now parks: gl_task_current or the idle task. */
gl_task *gl_task_waiter(lua_State *L);

/* The kind that gl_task_cancel asked for, once; NULL: nobody did. */
const char *gl_task_cancelled(gl_task *t);

/* Raises what gl_task_cancel asked for. [-0, +0, v] */
void gl_task_check(lua_State *L);

/* Wakes a parked task; one that is not parked is left alone. */
void gl_task_wake(gl_task *t);

/* Wakes t with an error of this kind (a static string): "cancelled", "interrupted". */
void gl_task_cancel(gl_task *t, const char *kind);

/* guestlua.sleep and guestlua.spawn. */
int gl_task_sleep(lua_State *L);
extern const gl_opdef gl_task_spawn_op;
extern const gl_class gl_task_class;

/* For gl_state_open and gl_state_close: the idle task; all tasks, whatever they wait for. */
void gl_task_idle_open(gl_state *s);
void gl_task_close_all(gl_state *s);

#endif
