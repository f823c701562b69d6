/*
 * Tasks: the coroutines that the loop resumes. task.c is the only file that calls lua_resume; coroutine.c does it through here.
 *
 * A task waits for one thing at a time: it parks with gl_task_wait, something on the Lua thread wakes it, and the continuation then looks
 * whether what it waits for is there (and may park again). Callbacks of libuv only mark tasks as ready; they are resumed between two turns
 * of the loop, so that no Lua code of ours ever runs inside uv_run.
 *
 * Code that cannot be parked (in table.sort, in a finalizer, in a program without tasks) waits in place: it turns the loop itself until it
 * is woken, and the other tasks go on meanwhile.
 */
#ifndef GL_TASK_H
#define GL_TASK_H

#include <lua.h>
#include <stdbool.h>

#include "call/class.h"
#include "call/op.h"
#include "loop/state.h"

/* One wait. */
struct gl_waiter {
  gl_task *task; /* whose it is */
  uv_timer_t timer;
  TAILQ_ENTRY(gl_waiter) entry; /* in list */
  gl_waitlist *list;            /* NULL: on none */
  gl_waiter *outer;             /* in place: the wait that this one is nested in */
  const char *what;             /* for people: what it waits for; NULL where op says it */
  const gl_op *op;
  uint64_t since; /* ms on the loop's clock */
  bool waiting, timed_out;
};

struct gl_task {
  gl_state *state;
  lua_State *L; /* its coroutine; NULL for the root task */
  int anchor;   /* keeps the coroutine in the registry */
  int number;   /* for people */
  gl_waiter parked;
  gl_waiter *waits;       /* its innermost wait; NULL: it does not wait */
  gl_task *next;          /* in the ready list */
  gl_task *other, **link; /* in state->all */
  const char *cancelled;  /* the kind of the error to raise at its next or present wait */
  int shields;            /* while there are any, it is not raised */
  double each_call;       /* seconds that each of its libvirt calls has, if it says nothing itself; 0: no limit */
  double calls_end;       /* gl_time() by which its libvirt calls are over or given up; 0: no limit */
  char *traceback;        /* where its error came from, once it failed */
  bool done, failed;
  bool heard;          /* somebody has got its error */
  bool ends_all;       /* when it is done, the others are cancelled */
  gl_waitlist joiners; /* wait for its end */
  bool abandoned;      /* nobody will ask for its results: it is freed when it is done */
};

/* Makes a task of the function and its nargs arguments on top of the stack; it starts when the loop next runs. [-(nargs+1), +0, e] */
gl_task *gl_task_spawn(lua_State *L, int nargs);

/* Runs the loop until t is done. Its results, or its error where t->failed, are then on the stack of t->L. */
void gl_task_join(lua_State *L, gl_task *t);

/* Does what can be done without waiting; gives how many tasks there are then. */
int gl_task_dispatch(lua_State *L, gl_state *s);

/* Cancels all tasks and runs the loop until they have ended. */
void gl_task_end_all(lua_State *L, gl_state *s);

/* Frees a task that is done. An error that nobody has got is told on standard error. */
void gl_task_free(gl_task *t);

/* The task that L runs in, if it can be parked now: NULL outside of tasks, and across C calls. [-0, +0, -] */
gl_task *gl_task_current(lua_State *L, gl_state *s);

/* Resumes a coroutine of the user's own from L, as lua_resume does. Where it yields, whether it did because the task is to be parked: L
 * then has to yield as well. */
int gl_task_resume_inner(lua_State *L, gl_state *s, lua_State *co, int nargs, int *results);
bool gl_task_is_parked(lua_State *L, gl_state *s);

/* What to wait for. */
typedef struct gl_wait {
  gl_waitlist *list; /* who wakes this list wakes the caller; may be NULL */
  double seconds;    /* at most; negative: no limit */
  const char *what;  /* for people, a static string; NULL where op says it */
  const gl_op *op;
  bool by_tasks; /* only another task can end it */
} gl_wait;

/* Parks the caller until it is woken, cancelled or out of time, then calls k; where it cannot be parked it waits in place. Raises at once
 * what the caller was cancelled with before. Use as `return gl_task_wait(…)`. [-0, +0, v] */
int gl_task_wait(lua_State *L, gl_wait wait, lua_KContext ctx, lua_KFunction k);

/* Seconds on a clock that only goes forward; those left until a moment on it, for gl_wait: -1 where it is infinity. */
double gl_time(void);
double gl_time_left(double deadline);

/* In a continuation, before anything else is called: whether the time ran out. */
bool gl_task_timed_out(lua_State *L);

/* The kind that gl_task_cancel asked for, once; NULL: nobody did, or it has to wait. [-0, +0, -] */
const char *gl_task_cancelled(lua_State *L);

/* Raises what gl_task_cancel asked for. [-0, +0, v] */
void gl_task_check(lua_State *L);

/* Wakes the first `count` of the list (negative: all). */
void gl_waitlist_wake(gl_waitlist *list, int count);

/* Wakes t with an error of this kind (a static string): "cancelled", "interrupted". */
void gl_task_cancel(gl_task *t, const char *kind);

/* The signal's: cancels what guestlua_run runs; in a program with a loop of its own all tasks. */
void gl_task_interrupt(gl_state *s);

/* The task of the Task at index, or NULL; its anchor is the Task's. [-0, +0, -] */
gl_task *gl_task_at(lua_State *L, int index);

/* The error on top of the stack, which is about to be raised, came from t: whose traceback then comes before that of who fails for it.
 * [-0, +0, m] */
void gl_task_remember_origin(lua_State *L, gl_task *t);

/* Pushes a list of what the tasks do: number, state, what, since. [-0, +1, e] */
int gl_task_list(lua_State *L);

/* guestlua.sleep, guestlua.spawn, core.shield, core.signal; core.check(): gl_task_check; core.heard(task): whether a wait has raised the
 * task's error. */
int gl_task_sleep(lua_State *L);
int gl_task_check_cancelled(lua_State *L);
int gl_task_heard(lua_State *L);
int gl_task_shield(lua_State *L);

/* core.within(end, each, fn, …): calls fn. The libvirt calls that this task makes meanwhile have until `end`, on the clock of guestlua.now,
 * and those without a limit of their own `each` seconds; 0: no limit. */
int gl_task_within(lua_State *L);
extern const gl_opdef gl_task_spawn_op, gl_signal_make;
extern const gl_class gl_task_class, gl_signal_class;

/* For gl_state_open and gl_state_close: the root task; all tasks, whatever they wait for. */
void gl_task_root_open(gl_state *s);
void gl_task_close_all(gl_state *s);

#endif
