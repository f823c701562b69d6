/* Task: Lua's handle of a task. */
#include "module/task_class.h"

#include <lauxlib.h>
#include <limits.h>
#include <math.h>

#include "base/error.h"
#include "loop/park.h"

typedef struct task_object {
  gl_object object;
  gl_task *task;
} task_object;

static void task_close(gl_object *self)
{
  gl_task *t = ((task_object *)self)->task;
  if (t->done)
    gl_task_free(t);
  else
    t->abandoned = true;
}

static int spawn(lua_State *L)
{
  if (lua_type(L, 1) != LUA_TFUNCTION)
    gl_error_argument(L, "spawn", "fn", "function expected, got %s", luaL_typename(L, 1));
  task_object *o = gl_object_new(L, &gl_task_class, sizeof *o, 0);
  lua_insert(L, 1);
  o->task = gl_task_spawn(L, lua_gettop(L) - 2);
  o->object.closed = false;
  return 1;
}
static const gl_param spawn_params[] = {
  GL_ARG_HERE("fn", GL_ANY, true, "the function"),
  GL_ARG_HERE("...", GL_REST, false, "its arguments"),
  GL_END,
};
const gl_opdef gl_task_spawn_op = {
  .name = "spawn",
  .help = "Starts a task, which runs fn(…) beside this one: while one of them waits for libvirt, the other goes on.",
  .returns = "Task",
  .params = spawn_params,
  .invoke = spawn,
};

typedef struct wait_op {
  gl_op op;
  double timeout;
} wait_op;

static const gl_param wait_params[] = {
  GL_OPTION(wait_op, timeout, GL_NUMBER, "seconds; after that an error of kind \"timeout\" is raised, and the task goes on"),
  GL_END,
};

static int joined(lua_State *L, int status, lua_KContext ctx);

/* The stack: the Task, and when the time is over (infinity: never). */
static int join(lua_State *L, task_object *self)
{
  gl_task *t = self->task;
  if (!t->done) {
    return gl_task_wait(L, (gl_wait){.list = &t->joiners, .seconds = gl_time_left(lua_tonumber(L, 2)), .what = "a task", .by_tasks = true},
                        (lua_KContext)self, joined);
  }
  int results = lua_gettop(t->L);
  luaL_checkstack(L, results, "too many results");
  for (int i = 1; i <= results; i++) { /* copies: wait may be called again */
    lua_pushvalue(t->L, i);
    lua_xmove(t->L, L, 1);
  }
  if (!t->failed)
    return results;
  self->task->heard = true;
  gl_task_remember_origin(L, t);
  return lua_error(L);
}

static int joined(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  task_object *self = (task_object *)ctx;
  bool timed_out = gl_task_timed_out(L);
  if (!self->task->done) {
    gl_task_check(L);
    if (timed_out)
      gl_error_throw(L, "timeout", "wait: the task has not ended in time, and goes on");
  }
  return join(L, self);
}

static int task_wait(lua_State *L)
{
  task_object *self = gl_object_check(L, 1, &gl_task_class, "wait");
  wait_op args = {.timeout = HUGE_VAL};
  gl_opts_read(L, 2, lua_gettop(L), "wait", wait_params, &args.op, false);
  lua_settop(L, 1);
  lua_pushnumber(L, gl_time() + args.timeout);
  return join(L, self);
}
static const gl_opdef wait_def = {
  .name = "wait",
  .help = "Waits until the task has ended.",
  .params = wait_params,
  .returns = "what its function returned; its error is raised here",
  .invoke = task_wait,
};

static int task_cancel(lua_State *L)
{
  task_object *self = gl_object_check(L, 1, &gl_task_class, "cancel");
  if (!self->task->done)
    gl_task_cancel(self->task, "cancelled");
  return 0;
}
static const gl_opdef cancel_def = {
  .name = "cancel",
  .help = "Raises an error of kind \"cancelled\" in the task, where it waits; its to-be-closed variables undo what they guard. Does not "
          "wait for that.",
  .invoke = task_cancel,
};

static int done_push(lua_State *L)
{
  task_object *self = gl_object_check(L, 1, &gl_task_class, "status");
  lua_pushstring(L, !self->task->done ? "running" : self->task->failed ? "failed" : "done");
  return 1;
}
static const gl_opdef status_def = {
  .name = "status",
  .help = "Whether the task is over.",
  .returns = "\"running\", \"done\" or \"failed\"",
  .invoke = done_push,
};

gl_task *gl_task_at(lua_State *L, int index)
{
  task_object *o = (task_object *)gl_object_test(L, index, &gl_task_class);
  return o && !o->object.closed ? o->task : NULL;
}

int gl_task_heard(lua_State *L)
{
  task_object *self = gl_object_check(L, 1, &gl_task_class, "heard");
  lua_pushboolean(L, self->task->heard);
  return 1;
}

static const gl_opdef *const methods[] = {&wait_def, &cancel_def, &status_def, NULL};
static const gl_opdef *const *const ops[] = {methods, NULL};

const gl_class gl_task_class = {
  .name = "Task",
  .help =
    "A function that runs beside others: guestlua.spawn makes one. It goes on where its Task is forgotten; a group ends with its scope.",
  .ops = ops,
  .outlives = true,
  .close = task_close,
};

/* ---- Signal: what tasks wait for each other with, in the modules written in Lua ---- */

typedef struct signal_object {
  gl_object object;
  gl_waitlist waiters;
} signal_object;

static void signal_close(gl_object *self)
{
  gl_waitlist_wake(&((signal_object *)self)->waiters, -1);
}

static int make_signal(lua_State *L)
{
  signal_object *o = gl_object_new(L, &gl_signal_class, sizeof *o, 0);
  TAILQ_INIT(&o->waiters);
  o->object.closed = false;
  return 1;
}
const gl_opdef gl_signal_make = {
  .name = "signal",
  .help = "Makes a Signal.",
  .returns = "Signal",
  .invoke = make_signal,
};

static int signalled(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  (void)ctx;
  bool timed_out = gl_task_timed_out(L);
  gl_task_check(L);
  lua_pushboolean(L, !timed_out);
  return 1;
}

static int signal_wait(lua_State *L)
{
  signal_object *self = gl_object_check(L, 1, &gl_signal_class, "wait");
  wait_op args = {.timeout = -1};
  gl_opts_read(L, 2, lua_gettop(L), "wait", wait_params, &args.op, false);
  return gl_task_wait(L, (gl_wait){.list = &self->waiters, .seconds = args.timeout, .what = "a signal", .by_tasks = true}, 0, signalled);
}
static const gl_param signal_params[] = {
  GL_OPTION(wait_op, timeout, GL_NUMBER, "seconds to wait at most"),
  GL_END,
};
static const gl_opdef signal_wait_def = {
  .name = "wait",
  .help = "Waits until somebody calls wake.",
  .returns = "true; false where the time is over",
  .params = signal_params,
  .invoke = signal_wait,
};

typedef struct wake_op {
  gl_op op;
  long long count;
} wake_op;

static const gl_param wake_params[] = {
  GL_ARG_OR_NIL(wake_op, count, GL_INTEGER, "how many; nil: all"),
  GL_END,
};

static int signal_wake(lua_State *L)
{
  signal_object *self = gl_object_check(L, 1, &gl_signal_class, "wake");
  wake_op args = {.count = -1};
  gl_opts_read(L, 2, lua_gettop(L), "wake", wake_params, &args.op, false);
  gl_waitlist_wake(&self->waiters, args.count > INT_MAX ? -1 : (int)args.count);
  return 0;
}
static const gl_opdef signal_wake_def = {
  .name = "wake",
  .help = "Lets those go on that wait, the oldest first.",
  .params = wake_params,
  .invoke = signal_wake,
};

static const gl_opdef *const signal_methods[] = {&signal_wait_def, &signal_wake_def, NULL};
static const gl_opdef *const *const signal_ops[] = {signal_methods, NULL};

const gl_class gl_signal_class = {
  .name = "Signal",
  .help = "What one task waits for and another one gives: for workflows that wait for each other.",
  .ops = signal_ops,
  .close = signal_close,
};
