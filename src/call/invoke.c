#include "call/invoke.h"

#include <lauxlib.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "call/args.h"
#include "call/lanes.h"
#include "call/op_error.h"
#include "call/watch.h"
#include "loop/park.h"
#include "loop/sandbox.h"
#include "loop/task.h"

/* Room for any op that runs inline and owns nothing, and for the arguments of any function. */
#define STACK_ROOM 1024

/* ---- the box: a userdata that owns the op from before the op owns anything ---- */

static const char box_class[] = "guestlua.op";
static const char on_cancelled_key; /* in the registry: a function of Lua */

static int box_close(lua_State *L)
{
  gl_op **box = lua_touserdata(L, 1);
  gl_op *op = *box;
  *box = NULL;
  if (op)
    gl_op_abandon(op);
  return 0;
}

gl_op *gl_op_new(lua_State *L, const gl_opdef *def)
{
  gl_op **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  luaL_setmetatable(L, box_class);
  lua_toclose(L, -1);
  gl_op *op = *box = calloc(1, def->size ? def->size : sizeof *op);
  if (!op)
    luaL_error(L, "guestlua: out of memory");
  op->def = def; /* needed to free it */
  op->args.keep = true;
  TAILQ_INIT(&op->waiters);
  return op;
}

/* ---- the end of a call ---- */

static int finish(lua_State *L, gl_op *op)
{
  if (op->watched)
    gl_watch_after(L, op, NULL);
  if (op->failed)
    gl_error_call(L, op, op->failed, "%s", op->why);
  if (op->rc < 0)
    gl_error_libvirt(L, op);
  return op->def->push ? op->def->push(L, op) : 0;
}

static int raise_error(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  (void)ctx;
  return lua_error(L);
}

/* Nobody waits any more. A cancelled call is ended in libvirt as well, if its row names a method for that; then the error is raised. */
static int abandon(lua_State *L, const gl_op *op, const char *kind)
{
  if (op->watched)
    gl_watch_after(L, op, kind);
  gl_error_push_abandoned(L, op, kind);
  if (op->def->aborts && strcmp(kind, "timeout") != 0) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &on_cancelled_key);
    lua_pushvalue(L, 1); /* self */
    lua_pushstring(L, op->def->aborts);
    lua_pushvalue(L, -4);
    lua_callk(L, 3, 0, 0, raise_error);
  }
  return lua_error(L);
}

/* core.on_cancelled(fn): fn(self, method, error) is called if a wait is cancelled, and the call has a method to end it. */
static int on_cancelled(lua_State *L)
{
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &on_cancelled_key);
  return 0;
}

static int resumed(lua_State *L, int status, lua_KContext ctx);

/* Pushes a description of the wait, for people. */
static void describe(lua_State *L, const void *about)
{
  const gl_op *op = about;
  lua_pushstring(L, op->def->call ? op->def->call : op->def->name);
  if (op->subject && op->subject->type->what) {
    lua_pushfstring(L, " of %s '%s'", op->subject->type->what, op->subject->name);
    lua_concat(L, 2);
  }
  if (op->part) {
    lua_pushfstring(L, ", %s %s", op->part_type, op->part);
    lua_concat(L, 2);
  }
}

/* Seconds between two calls of on_progress. */
#define PROGRESS_S 0.5

static double time_left(const gl_op *op)
{
  if (!op->on_progress)
    return op->args.bounded ? op->args.timeout : -1;
  double left = op->args.bounded ? op->ends - gl_time() : PROGRESS_S;
  return left < PROGRESS_S ? left > 0 ? left : 0 : PROGRESS_S;
}

/* Lua thread: waits for a call submitted with gl_op_submit. */
static int await(lua_State *L, gl_op *op)
{
  const gl_wait wait = {.list = &op->waiters, .seconds = time_left(op), .describe = describe, .about = op};
  return gl_task_park(L, op->state, &wait, (lua_KContext)op, resumed);
}

static int progressed(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  gl_op *op = (gl_op *)ctx;
  return op->phase == GL_OP_DONE ? finish(L, op) : await(L, op);
}

/* Tells the script, which may wait in its function, or raise: the box then abandons the call. */
static int tell_progress(lua_State *L, gl_op *op)
{
  lua_pushvalue(L, op->on_progress);
  op->def->progress(L, op);
  lua_callk(L, 1, 0, (lua_KContext)op, progressed);
  return progressed(L, LUA_OK, (lua_KContext)op);
}

static int resumed(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  gl_op *op = (gl_op *)ctx;
  bool timed_out = op->state->timed_out;
  const char *cancelled = gl_task_cancelled(op->state);
  if (cancelled)
    return abandon(L, op, cancelled);
  if (op->phase == GL_OP_DONE)
    return finish(L, op);
  if (timed_out && op->on_progress && !(op->args.bounded && gl_time() >= op->ends))
    return tell_progress(L, op);
  if (timed_out)
    return abandon(L, op, "timeout");
  return await(L, op);
}

/* Puts the option on_progress on the stack, if it was given. */
static void take_on_progress(lua_State *L, gl_op *op, int options)
{
  if (!op->def->progress || !lua_istable(L, options))
    return;
  if (lua_getfield(L, options, "on_progress") == LUA_TNIL) {
    lua_pop(L, 1);
    return;
  }
  op->on_progress = lua_gettop(L);
  op->ends = gl_time() + op->args.timeout;
}

static int run_here(lua_State *L, gl_op *op)
{
  gl_op_run(op);
  return finish(L, op);
}

static int fly(lua_State *L, gl_op *op)
{
  gl_task_check(L, op->state); /* before anything is under way */
  op->state->alive.ops++;
  gl_op_submit(op);
  return await(L, op);
}

int gl_op_start(lua_State *L, gl_op *op)
{
  op->watched = op->state->watcher_count > 0;
  return op->args.bounded || gl_task_current(L, op->state) ? fly(L, op) : run_here(L, op);
}

gl_op *gl_op_detached(gl_connection *connection, const gl_opdef *def, gl_handle *handle)
{
  gl_op *op = calloc(1, def->size ? def->size : sizeof *op);
  if (!op)
    return NULL;
  op->def = def;
  op->orphan = true;
  TAILQ_INIT(&op->waiters);
  op->state = connection->state;
  op->connection = gl_connection_ref(connection);
  op->held = true;
  op->subject = handle;
  op->state->alive.ops++;
  return op;
}

void gl_op_detach(gl_connection *connection, const gl_opdef *def, gl_handle *handle)
{
  gl_op *op = gl_op_detached(connection, def, handle);
  if (op) /* or else there is no memory to close it with: it stays open until the process ends */
    gl_op_submit(op);
}

/* ---- the call ---- */

/* The parts of a call that do not change while it is made. */
typedef struct call {
  const gl_opdef *def;
  gl_object *self; /* NULL: none */
  gl_state *state;
  int first, top; /* the arguments */
} call;

/* Fills in the op's subject, and reads its arguments. */
static void prepare(lua_State *L, const call *c, gl_op *op)
{
  op->def = c->def;
  op->state = c->state;
  op->watched = c->state->watcher_count > 0;
  op->args.blocks = !c->def->memory;
  if (c->self) {
    op->connection = c->self->connection;
    op->connect = op->connection ? gl_connection_ptr(op->connection) : NULL;
    if (c->self->type->bind)
      c->self->type->bind(L, c->self, op);
  }
  gl_args_read(L, c->first, c->top, c->def->name, c->def->params, &op->args);
}

/* Checks the arguments as a whole, and asks the watchers: true if one of them has answered. */
static bool is_answered(lua_State *L, gl_op *op)
{
  if (op->def->check)
    op->def->check(L, op);
  return op->watched && gl_watch_before(L, op);
}

/* On the C stack, at once: for calls that own nothing. True if it was made, with *results values pushed; a call with a time limit is not
 * made, as it could not be abandoned. */
static bool call_on_stack(lua_State *L, const call *c, int *results)
{
  union {
    gl_op op;
    char room[STACK_ROOM];
  } here;
  gl_op *op = &here.op;
  size_t size = c->def->size ? c->def->size : sizeof *op;
  memset(op, 0, size);
  prepare(L, c, op);
  if (op->args.bounded)
    return false;
  int top = lua_gettop(L);
  if (is_answered(L, op)) {
    *results = lua_gettop(L) - top;
    return true;
  }
  gl_op_run(op);
  if (op->rc < 0) {
    /* Only a box frees the leftovers of an error: give the failed call one. */
    gl_op *failed = gl_op_new(L, c->def);
    memcpy(failed, op, size);
    op = failed;
  }
  *results = finish(L, op);
  return true;
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

static int call_function(lua_State *L, const gl_opdef *def, const gl_type *type)
{
  union {
    gl_args args;
    char room[STACK_ROOM];
  } here;
  memset(&here, 0, def->size ? def->size : sizeof here.args);
  gl_args_read(L, type ? 2 : 1, lua_gettop(L), def->name, def->params, &here.args);
  return def->invoke(L, &here.args);
}

int gl_op_invoke(lua_State *L, const gl_opdef *def, const gl_type *type)
{
  if (atomic_load_explicit(&gl_sandbox_counts, memory_order_relaxed))
    gl_sandbox_settle(L);
  if (def->invoke)
    return call_function(L, def, type);
  call c = {.def = def, .self = type ? gl_object_check(L, 1, type, def->name) : NULL, .first = type ? 2 : 1, .top = lua_gettop(L)};
  c.state = c.self && c.self->connection ? c.self->connection->state : gl_state_get(L);
  gl_state *s = c.state;
  gl_state_check_here(L, s, def->name);

  gl_task *t = def->memory ? NULL : gl_task_current(L, s);
  bool limited = t && (t->calls_end > 0 || t->each_call > 0);
  bool alone = s->alive.tasks == 1 && !s->dispatching && !s->shares_thread; /* no other task could use the time */
  bool hops = limited || (t && !(def->quick && alone));
  int results;
  if (!hops && (def->quick || def->memory) && !def->release && def->size <= STACK_ROOM && call_on_stack(L, &c, &results))
    return results;

  gl_op *op = gl_op_new(L, def);
  prepare(L, &c, op);
  if (limited && !limit(op, t))
    return abandon(L, op, "timeout");
  int top = lua_gettop(L);
  if (is_answered(L, op))
    return lua_gettop(L) - top;
  take_on_progress(L, op, c.top);
  if (!hops && !op->args.bounded && !op->on_progress)
    return run_here(L, op);
  gl_op_hold(L, op);
  return fly(L, op);
}

void gl_invoke_open(lua_State *L)
{
  luaL_newmetatable(L, box_class);
  lua_pushcfunction(L, box_close);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, box_close);
  lua_setfield(L, -2, "__close");
  lua_pop(L, 1);
  lua_pushcfunction(L, on_cancelled);
  lua_setfield(L, -2, "on_cancelled");
}
