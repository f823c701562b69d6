/* Task: Lua's handle of a task. */
#include "module/task_class.h"

#include <lauxlib.h>
#include <math.h>

#include "base/error.h"
#include "call/args.h"
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

static const gl_type task_type = {.name = "Task", .close = task_close, .outlives = true};

int gl_task_spawn_here(lua_State *L)
{
  if (lua_type(L, 1) != LUA_TFUNCTION)
    gl_error_argument(L, "spawn", "fn", "function expected, got %s", gl_error_type_name(L, 1));
  task_object *o = gl_object_new(L, &task_type, sizeof *o, 0);
  lua_insert(L, 1);
  o->task = gl_task_spawn(L, lua_gettop(L) - 2);
  o->object.closed = false;
  return 1;
}

static int spawn(lua_State *L, gl_args *args)
{
  (void)args;
  return gl_task_spawn_here(L);
}
static const gl_param spawn_params[] = {
  GL_ARG_HERE("fn", &gl_any, true, "the function"),
  GL_ARG_HERE("...", &gl_rest, false, "its arguments"),
  GL_END,
};
const gl_opdef gl_task_spawn_op = {
  .name = "spawn",
  .help = "Starts a task, which runs fn(…) beside this one: while one of them waits for libvirt, the other runs.",
  .result = {"Task"},
  .params = spawn_params,
  .invoke = spawn,
};

typedef struct wait_args {
  gl_args args;
  double timeout;
} wait_args;

static const gl_param wait_params[] = {
  GL_OPTION(wait_args, timeout, &gl_number, "seconds; after that an error of kind \"timeout\" is raised, and the task keeps running"),
  GL_END,
};

static int joined(lua_State *L, int status, lua_KContext ctx);

/* The stack: the Task, and the end of the time (infinity: none). */
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
  bool timed_out = gl_state_get(L)->timed_out;
  if (!self->task->done) {
    gl_task_check(L, gl_state_get(L));
    if (timed_out)
      gl_error_throw(L, "timeout", "wait: the task has not ended in time, and goes on");
  }
  return join(L, self);
}

static int task_wait(lua_State *L, gl_args *args)
{
  task_object *self = gl_object_check(L, 1, &task_type, "wait");
  bool limited = gl_args_given(args, wait_params, offsetof(wait_args, timeout));
  lua_settop(L, 1);
  lua_pushnumber(L, limited ? gl_time() + ((wait_args *)args)->timeout : HUGE_VAL);
  return join(L, self);
}
static const gl_opdef wait_def = {
  .name = "wait",
  .help = "Waits until the task has ended.",
  .params = wait_params,
  .size = sizeof(wait_args),
  .result = {"any ..."},
  .returns = "what its function returned; its error is raised here",
  .invoke = task_wait,
};

static int task_cancel(lua_State *L, gl_args *args)
{
  (void)args;
  task_object *self = gl_object_check(L, 1, &task_type, "cancel");
  if (!self->task->done)
    gl_task_cancel(self->task, "cancelled");
  return 0;
}
static const gl_opdef cancel_def = {
  .name = "cancel",
  .help =
    "Raises an error of kind \"cancelled\" in the task, at its present or next wait; its to-be-closed variables undo what they guard. "
    "Does not wait for that.",
  .invoke = task_cancel,
};

static int task_status(lua_State *L, gl_args *args)
{
  (void)args;
  task_object *self = gl_object_check(L, 1, &task_type, "status");
  lua_pushstring(L, !self->task->done ? "running" : self->task->failed ? "failed" : "done");
  return 1;
}
static const gl_opdef status_def = {
  .name = "status",
  .help = "Whether the task still runs, and how it ended.",
  .result = {"\"running\"|\"done\"|\"failed\""},
  .returns = "\"running\", \"done\" or \"failed\"",
  .invoke = task_status,
};

gl_task *gl_task_at(lua_State *L, int index)
{
  task_object *o = (task_object *)gl_object_test(L, index, &task_type);
  return o && !o->object.closed ? o->task : NULL;
}

int gl_task_heard(lua_State *L)
{
  task_object *self = gl_object_check(L, 1, &task_type, "heard");
  lua_pushboolean(L, self->task->heard);
  return 1;
}

static int ended(lua_State *L, int status, lua_KContext ctx);

static int await_end(lua_State *L, gl_task *t)
{
  if (t->done)
    return 0;
  return gl_task_wait(L, (gl_wait){.list = &t->joiners, .seconds = -1, .what = "a task", .by_tasks = true}, (lua_KContext)t, ended);
}

static int ended(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  gl_task *t = (gl_task *)ctx;
  if (!t->done)
    gl_task_check(L, gl_state_get(L));
  return await_end(L, t);
}

int gl_task_await_end(lua_State *L)
{
  return await_end(L, ((task_object *)gl_object_check(L, 1, &task_type, "await_end"))->task);
}

static const gl_opdef *const methods[] = {&wait_def, &cancel_def, &status_def, NULL};
static const gl_opdef *const *const ops[] = {methods, NULL};

const gl_class gl_task_class = {
  .type = &task_type,
  .help = "A function that runs beside others: guestlua.spawn makes one. It keeps running if its Task is forgotten; a group ends with its "
          "scope.",
  .ops = ops,
};
