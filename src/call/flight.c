/*
 * The path of one call:
 *   1. Lua thread: gl_op_invoke reads the arguments into the op, and gl_op_fly takes references of its own.
 *   2. Lua thread: submit hands it to a worker, or lets it wait if the connection has MAX_IN_FLIGHT calls under way. The task is parked.
 *   3. Worker:     on_worker makes the call, copies libvirt's error (it is thread-local) and drops the reference to libvirt's object. Then
 *                  the worker goes on with the next call of the connection that waits.
 *   4. Lua thread: on_done wakes the task.
 *   5. Lua thread: the task continues in resumed, and finish pushes the result or raises the error.
 * Each lane (gl_lane) of a guest has one call under way at a time, and the others wait: a guest that is stuck leaves the connection to
 * the others.
 *
 * The op is a userdata on the Lua stack all the while. If the task is gone before step 4 the op is an orphan: the registry keeps it until
 * then, and on_done frees what it owns.
 */
#include "call/flight.h"

#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "call/nudge.h"
#include "call/op_error.h"
#include "call/watch.h"
#include "loop/park.h"
#include "loop/sandbox.h"

/* libvirtd serves 5 requests of a client at a time (max_client_requests), and keepalive needs one of them. */
#define MAX_IN_FLIGHT 4
#define MAX_SLOW 2

/* Bytes that an op has beside its struct, for the texts among its arguments: they are seldom longer, and so need no memory of their own. */
#define TEXT_ROOM 256

/* Seconds between two calls of on_progress. */
#define PROGRESS_S 0.5

static const char op_class[] = "guestlua.op";
static const char on_cancelled_key; /* in the registry: a function of Lua */

/* ---- the op ---- */

gl_op *gl_op_new(lua_State *L, const gl_opdef *def)
{
  size_t size = (gl_op_size(def) + 15) & ~(size_t)15;
  gl_op *op = memset(lua_newuserdatauv(L, size + TEXT_ROOM, 0), 0, size);
  op->def = def; /* needed to free it */
  op->args.keep = true;
  op->args.arena = (gl_arena){.room = (char *)op + size, .left = TEXT_ROOM};
  luaL_setmetatable(L, op_class);
  lua_toclose(L, -1);
  return op;
}

static void op_free(gl_op *op)
{
  if (op->def->release)
    op->def->release(op);
  virFreeError(op->error);
  if (op->held) {
    if (op->subject && op->work.phase != GL_WORK_OVER) /* or else the worker has */
      gl_handle_release(op->subject);
    if (op->subject)
      gl_handle_forget(op->subject);
    if (op->connection)
      gl_connection_unref(op->connection);
  }
  if (op->args.arena.blocks)
    gl_arena_free(&op->args.arena);
  if (op->place == LUA_NOREF)
    free(op);
}

static void on_done(gl_work *work);

/* A call that waits to begin will not, unless it just did. */
static void withdraw(gl_op *op)
{
  if (gl_work_withdraw(&op->work))
    on_done(&op->work);
}

/* __close, and then __gc: the task is gone, or the call is over. It never raises: its place in the registry is there already. */
static int op_close(lua_State *L)
{
  gl_op *op = lua_touserdata(L, 1);
  if (op->orphan)
    return 0;
  if (op->work.phase == GL_WORK_WAITING)
    withdraw(op);
  op->orphan = true;
  if (op->work.phase != GL_WORK_RUNNING) {
    op_free(op);
    return 0;
  }
  lua_pushvalue(L, 1);
  lua_rawseti(L, LUA_REGISTRYINDEX, op->place);
  if (op->def->stop)
    op->def->stop(op);
  return 0;
}

/* ---- the call itself, and the way to a worker ---- */

/* libvirt has many codes for a lost connection, and uses them for other errors too, so the connection itself is asked, if the error can
 * come from that. */
static bool is_lost(const gl_op *op)
{
  const virError *e = op->error;
  bool possible =
    e && (e->domain == VIR_FROM_RPC || e->domain == VIR_FROM_REMOTE || e->code == VIR_ERR_RPC || e->code == VIR_ERR_INVALID_CONN);
  return possible && op->connect && virConnectIsAlive(op->connect) == 0;
}

/* Any thread. */
void gl_op_run(gl_op *op)
{
  uint64_t began = op->watched ? uv_hrtime() : 0;
  if (op->def->changes && op->subject && op->subject->identity && gl_handle_is_another(op->subject, op->uri))
    op->rc = gl_op_fail(op, "conflict", "it is another one by now: the one that was found is gone");
  else
    op->rc = op->def->run(op);
  if (op->rc < 0) {
    if (!op->error)
      op->error = virSaveLastError();
    op->lost = is_lost(op);
  }
  if (op->watched)
    op->took = uv_hrtime() - began;
}

/* Worker. */
static void on_worker(gl_work *work)
{
  gl_op *op = work->about;
  long long began = atomic_load_explicit(&gl_sandbox_counts, memory_order_relaxed) ? gl_sandbox_time() : 0;
  gl_op_run(op);
  op->worked = began ? gl_sandbox_time() - began : 0;
  if (op->held && op->subject)
    gl_handle_release(op->subject); /* here: the last one to release a pointer of libvirt's may speak to the daemon */
}

/* Whether the connection and the guest have room for the op now. */
static gl_admission admits(const gl_work *work)
{
  const gl_op *op = work->about, *other;
  const gl_work *w;
  if (work->gate->count >= MAX_IN_FLIGHT + work->urgent) /* the others may all be stuck until it is over */
    return GL_FULL;
  if (op->def->slow) {
    int slow = 0;
    TAILQ_FOREACH (w, &work->gate->running, gated) {
      other = w->about;
      slow += other->def->slow;
    }
    if (slow >= MAX_SLOW)
      return GL_WAITS;
  }
  if (op->subject && op->subject->type != &gl_connect_handle)
    TAILQ_FOREACH (w, &work->gate->running, gated) {
      other = w->about;
      if (other->def->lane == op->def->lane && gl_handle_same(other->subject, op->subject))
        return GL_WAITS;
    }
  return GL_ADMITTED;
}

/* Lua thread. */
void gl_op_submit(gl_op *op)
{
  TAILQ_INIT(&op->waiters);
  op->state->alive.ops++;
  if (op->connection)
    op->connection->calls++;
  op->work = (gl_work){
    .state = op->state,
    .gate = op->connection ? &op->connection->gate : NULL,
    .admits = admits,
    .urgent = op->def->lane == GL_LANE_END,
    .frees = 1 + op->def->slow, /* a place or a guest's lane, and one of the slow calls' places */
    .run = on_worker,
    .done = on_done,
    .about = op,
  };
  gl_work_submit(&op->work);
}

/* Lua thread: no worker has it any more. */
static void on_done(gl_work *work)
{
  gl_op *op = work->about;
  op->state->alive.ops--;
  if (op->connection)
    op->connection->calls--;
  if (op->worked)
    gl_sandbox_pay_time(op->state, op->worked);
  gl_waitlist_wake(&op->waiters, -1);
  luaL_unref(op->state->L, LUA_REGISTRYINDEX, op->place);
  if (op->orphan)
    op_free(op);
}

/* ---- the end of a call ---- */

int gl_op_finish(lua_State *L, gl_op *op)
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
int gl_op_abandon(lua_State *L, gl_op *op, const char *kind)
{
  if (op->work.phase == GL_WORK_WAITING)
    withdraw(op);
  if (op->watched)
    gl_watch_after(L, op, kind);
  gl_error_push_abandoned(L, op, kind);
  if (op->def->aborts && op->work.phase == GL_WORK_RUNNING && strcmp(kind, "timeout") != 0) {
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

/* ---- the wait ---- */

static int resumed(lua_State *L, int status, lua_KContext ctx);

/* Waits for a call submitted with gl_op_submit, until the script's function is to be called, or a nudge is due, or no time is left: so many
 * seconds, negative: it is not bounded. */
static int await(lua_State *L, gl_op *op, double left)
{
  double pause = op->on_progress ? PROGRESS_S : op->nudge;
  const gl_wait wait = {
    .list = &op->waiters,
    .seconds = pause > 0 && (left < 0 || pause < left) ? pause : left,
    .describe = gl_op_describe,
    .about = op,
  };
  return gl_task_park(L, op->state, &wait, (lua_KContext)op, resumed);
}

static int progressed(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  gl_op *op = (gl_op *)ctx;
  return op->work.phase == GL_WORK_OVER ? gl_op_finish(L, op) : await(L, op, gl_time_left(op->ends));
}

/* Calls the script's function, which may wait, or raise: the call is then abandoned, as the op is closed. */
static int call_on_progress(lua_State *L, gl_op *op)
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
    return gl_op_abandon(L, op, cancelled);
  if (op->work.phase == GL_WORK_OVER)
    return gl_op_finish(L, op);
  double left = gl_time_left(op->ends);
  if (left == 0)
    return gl_op_abandon(L, op, "timeout");
  if (timed_out && op->nudge > 0) {
    op->nudge = 2 * op->nudge < GL_NUDGE_MOST_S ? 2 * op->nudge : GL_NUDGE_MOST_S;
    gl_nudge(op->connection);
  }
  return timed_out && op->on_progress ? call_on_progress(L, op) : await(L, op, left);
}

int gl_op_fly(lua_State *L, gl_op *op)
{
  const char *cancelled = gl_task_cancelled(op->state);
  if (cancelled) /* before anything is under way */
    gl_task_raise(L, op->state, cancelled);
  if (op->def->at_hand && op->def->at_hand(op))
    return gl_op_finish(L, op);
  if (op->part)
    op->part = gl_arena_keep(L, &op->args.arena, op->part);
  if (op->connection && !op->held) { /* both may be closed during the call */
    op->held = true;
    gl_connection_ref(op->connection);
    gl_handle_ref(op->subject);
  }
  double left = op->args.bounded ? op->args.timeout : -1;
  op->ends = op->args.bounded ? gl_time() + left : HUGE_VAL;
  if (op->connection && op->connection->remote)
    op->nudge = op->connection->calls > 0 ? GL_NUDGE_S : GL_NUDGE_ALONE_S;
  lua_pushboolean(L, false);
  op->place = luaL_ref(L, LUA_REGISTRYINDEX);
  gl_op_submit(op);
  return await(L, op, left);
}

/* ---- without anybody who waits ---- */

gl_op *gl_op_detached(gl_connection *connection, const gl_opdef *def, gl_handle *handle)
{
  gl_op *op = calloc(1, gl_op_size(def));
  if (!op)
    return NULL;
  op->def = def;
  op->place = LUA_NOREF;
  op->orphan = true;
  op->state = connection->state;
  op->connection = gl_connection_ref(connection);
  op->held = true;
  op->subject = handle;
  return op;
}

void gl_op_detach(gl_connection *connection, const gl_opdef *def, gl_handle *handle)
{
  gl_op *op = gl_op_detached(connection, def, handle);
  if (op) /* or else there is no memory to close it with: it stays open until the process ends */
    gl_op_submit(op);
}

void gl_flight_open(lua_State *L)
{
  gl_work_open(gl_state_get(L));
  luaL_newmetatable(L, op_class);
  lua_pushcfunction(L, op_close);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, op_close);
  lua_setfield(L, -2, "__close");
  lua_pop(L, 1);
  lua_pushcfunction(L, on_cancelled);
  lua_setfield(L, -2, "on_cancelled");
}
