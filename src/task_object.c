/* Task: Lua's handle of a task. */
#include <lauxlib.h>

#include "error.h"
#include "task.h"

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

static int joined(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  gl_task *t = ((task_object *)ctx)->task; /* the userdata is at index 1 */
  t->joiner = NULL;
  if (!t->done) {
    gl_task_check(L);
    t->joiner = gl_task_waiter(L);
    return gl_task_wait(L, -1, ctx, joined);
  }
  int results = lua_gettop(t->L);
  luaL_checkstack(L, results, "too many results");
  for (int i = 1; i <= results; i++) { /* copies: wait may be called again */
    lua_pushvalue(t->L, i);
    lua_xmove(t->L, L, 1);
  }
  return t->failed ? lua_error(L) : results;
}

static int task_wait(lua_State *L)
{
  task_object *self = gl_object_check(L, 1, &gl_task_class, "wait");
  lua_settop(L, 1);
  if (!self->task->done) {
    gl_task_check(L);
    if (self->task->joiner)
      gl_error_throw(L, "bad_argument", "wait: another task waits for this one already");
  }
  return joined(L, LUA_OK, (lua_KContext)self);
}
static const gl_opdef wait_def = {
  .name = "wait",
  .help = "Waits until the task has ended.",
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

static const gl_opdef *const methods[] = {&wait_def, &cancel_def, NULL};
static const gl_opdef *const *const ops[] = {methods, NULL};

const gl_class gl_task_class = {
  .name = "Task",
  .help = "A function that runs beside others: guestlua.spawn makes one.",
  .ops = ops,
  .close = task_close,
};
