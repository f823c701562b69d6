#include "call/invoke.h"

#include <string.h>

#include "call/args.h"
#include "call/flight.h"
#include "call/watch.h"
#include "loop/sandbox.h"
#include "loop/task.h"

/* Room for any op that runs inline and owns nothing, and for the arguments of any function. */
typedef union room {
  gl_args args;
  gl_op op;
  char bytes[1024];
} room;

static int call_function(lua_State *L, const gl_opdef *def, const gl_type *type)
{
  room here;
  memset(&here, 0, def->size ? def->size : sizeof here.args);
  gl_args_read(L, type ? 2 : 1, lua_gettop(L), def->name, def->params, &here.args);
  return def->invoke(L, &here.args);
}

/* Applies the limits of the task's calls. False: no time is left, and the call is not made. */
static bool limit(gl_op *op, const gl_task *t)
{
  double left = t->calls_end > 0 ? t->calls_end - gl_time() : op->args.bounded ? op->args.timeout : t->each_call;
  if (!op->args.bounded && t->each_call > 0 && t->each_call < left)
    left = t->each_call;
  if (!op->args.bounded || op->args.timeout > left)
    op->args.timeout = left > 0 ? left : 0;
  op->args.bounded = true;
  return left > 0 || t->calls_end <= 0;
}

/* Puts the option on_progress on the stack, if it was given. */
static void take_on_progress(lua_State *L, gl_op *op, int options)
{
  if (!lua_istable(L, options))
    return;
  if (lua_getfield(L, options, "on_progress") == LUA_TNIL) {
    lua_pop(L, 1);
    return;
  }
  op->on_progress = lua_gettop(L);
}

/* Whether the op owns nothing, and so may be on the C stack. A table may be a list, or limit the time of the call, which then could not be
 * abandoned. */
static bool is_light(lua_State *L, const gl_opdef *def, int first, int top)
{
  if (!(def->quick || def->memory) || def->release || def->size > sizeof(room))
    return false;
  int last = top >= first ? lua_type(L, top) : LUA_TNONE;
  return last != LUA_TTABLE && last != LUA_TNIL;
}

/* Whether a watcher has answered, with so many results. */
static bool is_answered(lua_State *L, gl_op *op, int *results)
{
  int top = lua_gettop(L);
  bool answered = gl_watch_before(L, op);
  *results = lua_gettop(L) - top;
  return answered;
}

static int run_here(lua_State *L, gl_op *op)
{
  gl_op_run(op);
  if (op->rc < 0 && !op->args.keep) /* it is on the C stack, and only a userdata is freed after an error */
    op = memcpy(gl_op_new(L, op->def), op, gl_op_size(op->def));
  return gl_op_finish(L, op);
}

int gl_op_start(lua_State *L, gl_op *op)
{
  op->watched = op->state->watcher_count > 0;
  return op->args.bounded || gl_task_current(L, op->state) ? gl_op_fly(L, op) : run_here(L, op);
}

int gl_op_invoke(lua_State *L, const gl_opdef *def, const gl_type *type)
{
  if (atomic_load_explicit(&gl_sandbox_counts, memory_order_relaxed))
    gl_sandbox_settle(L);
  if (def->invoke)
    return call_function(L, def, type);
  gl_object *self = type ? gl_object_test(L, 1, type) : NULL;
  if (type && (!self || self->closed))
    gl_object_check(L, 1, type, def->name); /* raises */
  gl_connection *connection = self ? self->connection : NULL;
  gl_state *s = connection ? connection->state : gl_state_get(L);
  if (!gl_state_is_here(s))
    gl_state_check_here(L, s, def->name); /* raises */

  gl_task *t = def->memory ? NULL : gl_task_current(L, s);
  bool limited = t && (t->calls_end > 0 || t->each_call > 0);
  bool alone = s->alive.tasks == 1 && s->alive.ops == 0 && !s->dispatching && !s->shares_thread; /* nobody else could use the time */
  bool stays = def->quick && alone && !(connection && connection->remote);
  bool hops = limited || (t && !stays);

  room here;
  int first = type ? 2 : 1, top = lua_gettop(L), results;
  gl_op *op = hops || !is_light(L, def, first, top) ? gl_op_new(L, def) : memset(&here, 0, gl_op_size(def));
  op->def = def;
  op->state = s;
  op->watched = s->watcher_count > 0;
  op->args.blocks = !def->memory;
  op->connection = connection;
  op->connect = connection && connection->handle ? connection->handle->ptr : NULL;
  if (self && self->type->bind)
    self->type->bind(L, self, op);
  if (def->params || top >= first)
    gl_args_read(L, first, top, def->name, def->params, &op->args);
  if (limited && !limit(op, t))
    return gl_op_abandon(L, op, "timeout");
  if (def->check)
    def->check(L, op);
  if (op->watched && is_answered(L, op, &results))
    return results;
  if (def->progress)
    take_on_progress(L, op, top);
  return hops || op->args.bounded || op->on_progress ? gl_op_fly(L, op) : run_here(L, op);
}
