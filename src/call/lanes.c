/*
 * The path of one call:
 *   1. Lua thread: gl_op_invoke reads the arguments into the op and takes references of its own (hold).
 *   2. Lua thread: submit hands it to libuv, or queues it if the connection has MAX_IN_FLIGHT calls under way. The task is parked.
 *   3. Worker:     on_worker makes the call, copies libvirt's error (it is thread-local) and drops the references.
 *   4. Lua thread: on_done wakes the task, and lets the next op of the connection in.
 *   5. Lua thread: the task continues in finish, which pushes the result or raises the error.
 * Each lane (gl_lane) of a guest has one call under way at a time, and the others queue: a guest that is stuck leaves the connection to
 * the others.
 *
 * The box on the Lua stack owns the op all the while. If the task is gone before step 4 the op is an orphan, and on_done frees it.
 */
#include "call/lanes.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "loop/sandbox.h"
#include "loop/wait.h"

/* libvirtd serves 5 requests of a client at a time (max_client_requests), and keepalive needs one of them. */
#define MAX_IN_FLIGHT 4
#define MAX_SLOW 2

/* Any thread: the last one to release a pointer of libvirt's may speak to the daemon. */
static void release_subject(gl_op *op)
{
  if (op->subject && op->held && !op->released)
    gl_handle_release(op->subject);
  op->released = true;
}

static void op_free(gl_op *op)
{
  if (op->def->release)
    op->def->release(op);
  virFreeError(op->error);
  if (op->held) {
    release_subject(op);
    if (op->subject)
      gl_handle_forget(op->subject);
    if (op->connection)
      gl_connection_unref(op->connection);
  }
  gl_arena_free(&op->args.arena);
  free(op);
}

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
static void on_worker(uv_work_t *request)
{
  gl_op *op = request->data;
  long long began = atomic_load_explicit(&gl_sandbox_counts, memory_order_relaxed) ? gl_sandbox_time() : 0;
  gl_op_run(op);
  op->worked = began ? gl_sandbox_time() - began : 0;
  release_subject(op);
}

static void on_done(uv_work_t *request, int status);

/* Whether the connection and the guest have room for the op now. */
static bool admissible(const gl_op *op)
{
  const gl_op *other;
  if (!op->connection)
    return true;
  if (op->connection->in_flight >= MAX_IN_FLIGHT + (op->def->lane == GL_LANE_END)) /* the others may all be stuck until it is over */
    return false;
  if (op->def->slow) {
    int slow = 0;
    TAILQ_FOREACH (other, &op->connection->running, entry)
      slow += other->def->slow;
    if (slow >= MAX_SLOW)
      return false;
  }
  if (op->subject && op->subject->type != &gl_connect_handle)
    TAILQ_FOREACH (other, &op->connection->running, entry)
      if (other->def->lane == op->def->lane && gl_handle_same(other->subject, op->subject))
        return false;
  return true;
}

/* Lua thread. libuv starts its workers at the first call: they inherit a mask that leaves signals to the Lua thread. */
void gl_op_submit(gl_op *op)
{
  gl_connection *c = op->connection;
  if (!admissible(op)) {
    op->phase = GL_OP_QUEUED;
    TAILQ_INSERT_TAIL(&c->queue, op, entry);
    return;
  }
  if (c) {
    c->in_flight++;
    TAILQ_INSERT_TAIL(&c->running, op, entry);
  }
  op->phase = GL_OP_RUNNING;
  op->request.data = op;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  uv_queue_work(&op->state->loop, &op->request, on_worker, on_done);
  op->state->submitted++;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Lua thread: a call is over, so a queued one may begin. */
static void let_in(gl_connection *c)
{
  gl_op *op;
  TAILQ_FOREACH (op, &c->queue, entry) {
    if (!admissible(op))
      continue;
    TAILQ_REMOVE(&c->queue, op, entry);
    gl_op_submit(op);
    return;
  }
}

/* Lua thread. */
static void on_done(uv_work_t *request, int status)
{
  (void)status; /* nothing is ever cancelled inside libuv */
  gl_op *op = request->data;
  op->phase = GL_OP_DONE;
  op->state->submitted--;
  op->state->alive.ops--;
  gl_sandbox_pay_time(op->state, op->worked);
  if (op->connection) {
    op->connection->in_flight--;
    TAILQ_REMOVE(&op->connection->running, op, entry);
    let_in(op->connection);
  }
  gl_waitlist_wake(&op->waiters, -1);
  if (op->orphan)
    op_free(op);
}

void gl_op_hold(lua_State *L, gl_op *op)
{
  if (op->part)
    op->part = gl_arena_keep(L, &op->args.arena, op->part);
  if (!op->connection)
    return;
  op->held = true;
  gl_connection_ref(op->connection);
  gl_handle_ref(op->subject);
}

void gl_op_abandon(gl_op *op)
{
  op->orphan = op->phase == GL_OP_RUNNING;
  if (op->orphan) {
    if (op->def->stop)
      op->def->stop(op);
    return; /* on_done frees it */
  }
  if (op->phase == GL_OP_QUEUED) {
    TAILQ_REMOVE(&op->connection->queue, op, entry);
    op->state->alive.ops--;
  }
  op_free(op);
}
