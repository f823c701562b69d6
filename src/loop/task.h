/*
 * Tasks: the coroutines that the loop resumes. task.c is the only file that calls lua_resume; coroutine.c does it through here.
 *
 * A task waits for one thing at a time: it parks with gl_task_wait (park.h), something on the Lua thread wakes it, and the continuation
 * then checks whether its condition holds (and may park again). Callbacks of libuv only mark tasks as ready; they are resumed between
 * two turns of the loop, so that no task ever runs inside uv_run.
 */
#ifndef GL_TASK_H
#define GL_TASK_H

#include <lua.h>
#include <stdbool.h>

#include "loop/state.h"
#include "loop/wait.h"

/* Makes a task of the function and its nargs arguments on top of the stack; it starts when the loop next runs. [-(nargs+1), +0, e] */
gl_task *gl_task_spawn(lua_State *L, int nargs);

/* Runs the loop until t is done. Its results, or its error if t->failed, are then on the stack of t->L. */
void gl_task_join(lua_State *L, gl_task *t);

/* Does everything possible without waiting; returns the number of tasks left. */
int gl_task_dispatch(lua_State *L, gl_state *s);

/* Cancels all tasks and runs the loop until they have ended. */
void gl_task_end_all(lua_State *L, gl_state *s);

/* Frees a task that is done. An error that was never received is reported on standard error. */
void gl_task_free(gl_task *t);

/* The task that L runs in, if it can be parked now: NULL outside tasks, and across C calls. [-0, +0, -] */
static inline gl_task *gl_task_current(lua_State *L, const gl_state *s)
{
  return s->passes && s->active == L && lua_isyieldable(L) ? s->running : NULL;
}

/* Resumes a coroutine of the user's own from L, as lua_resume does. If it yields, whether it did because the task is to be parked: L
 * then has to yield as well. */
int gl_task_resume_inner(lua_State *L, gl_state *s, lua_State *co, int nargs, int *results);
bool gl_task_is_parked(lua_State *L, gl_state *s);

/* Wakes t with an error of this kind (a static string): "cancelled", "interrupted". */
void gl_task_cancel(gl_task *t, const char *kind);

/* Whether an interrupt has cancelled t, which has yet to raise it. */
bool gl_task_is_stopped(const gl_task *t);

/* Then co, in which t is about to run, is stopped where it computes: it may never wait. */
void gl_task_stop_if_asked(const gl_task *t, lua_State *co);

/* For a signal: cancels what guestlua_run runs, and the tasks beside it that compute, which would not let it end; in a program with its own
 * loop, all tasks. */
void gl_task_interrupt(gl_state *s);
void gl_task_interrupt_others(gl_state *s);

/* Records that the error on top of the stack came from t, so that its traceback is shown before that of the task it fails next.
 * [-0, +0, m] */
void gl_task_remember_origin(lua_State *L, gl_task *t);

/* Resumes the task that has been ready longest, if one is. Those that were cut and those that were woken take turns. */
void gl_task_run_next(lua_State *L, gl_state *s);

/* Sets whether only the loop may resume co; whether that holds for the coroutine at index. [-0, +0, e] [-0, +0, -] */
void gl_task_hold(lua_State *L, lua_State *co, bool hold);
bool gl_task_is_held(lua_State *L, int index);

/* Makes the root task. [-0, +0, e] */
void gl_task_open(lua_State *L, gl_state *s);

#endif
