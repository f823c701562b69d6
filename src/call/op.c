/*
 * The way of one call:
 *   1. Lua thread: gl_op_invoke reads the arguments into the op and takes references of its own (hold).
 *   2. Lua thread: submit hands it to libuv, or queues it where the connection has MAX_IN_FLIGHT calls under way. The task is parked.
 *   3. Worker:     on_worker makes the call, copies libvirt's error (it is thread-local) and drops the references.
 *   4. Lua thread: on_done wakes the task, and lets the next op of the connection in.
 *   5. Lua thread: the task goes on in finish, which pushes the result or raises the error.
 * Of one guest's calls one is under way at a time in each lane (gl_lane): the others queue, so that a guest that is stuck leaves the
 * connection to the others.
 *
 * The box on the Lua stack owns the op all the while. If the task is gone before step 4 the op is an orphan, and on_done frees it.
 */
#include "call/op.h"

#include <lauxlib.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "call/op_error.h"
#include "call/watch.h"
#include "event/event.h"
#include "loop/park.h"
#include "loop/task.h"

/* libvirtd answers 5 requests of a client at a time (max_client_requests), and keepalive needs one of them. */
#define MAX_IN_FLIGHT 4

/* Room for any op that runs inline without owning anything. */
#define STACK_OP_ROOM 1024

struct gl_text {
  gl_text *next;
  _Alignas(void *) char text[];
};

static const char box_class[] = "guestlua.op";

void *gl_op_keep_room(lua_State *L, gl_op *op, size_t size)
{
  gl_text *t = malloc(sizeof *t + size);
  if (!t)
    luaL_error(L, "guestlua: out of memory");
  t->next = op->texts;
  op->texts = t;
  return t->text;
}

const char *gl_op_keep(lua_State *L, gl_op *op, const char *text)
{
  size_t length = strlen(text) + 1;
  return memcpy(gl_op_keep_room(L, op, length), text, length);
}

/* Any thread. virDomainFree and virConnectClose of a last reference may speak to the daemon. */
static void drop_references(gl_op *op)
{
  if (op->dom)
    virDomainFree(op->dom);
  if (op->conn)
    virConnectClose(op->conn);
  op->dom = NULL;
  op->conn = NULL;
}

static void op_free(gl_op *op)
{
  if (op->def->release)
    op->def->release(op);
  virFreeError(op->error);
  if (op->held) {
    drop_references(op);
    gl_host_unref(op->host);
  }
  while (op->texts) {
    gl_text *t = op->texts;
    op->texts = t->next;
    free(t);
  }
  free(op);
}

/* Any thread. */
static void run(gl_op *op)
{
  uint64_t began = op->watched ? uv_hrtime() : 0;
  op->rc = op->def->run(op);
  if (op->rc < 0)
    op->error = virSaveLastError();
  if (op->watched)
    op->took = uv_hrtime() - began;
}

/* Worker. */
static void on_worker(uv_work_t *request)
{
  gl_op *op = request->data;
  run(op);
  drop_references(op);
}

static void on_done(uv_work_t *request, int status);

/* Whether the connection and the guest have room for it now. */
static bool admissible(const gl_op *op)
{
  const gl_op *other;
  if (!op->host)
    return true;
  if (op->host->in_flight >= MAX_IN_FLIGHT + (op->def->lane == GL_LANE_END)) /* the others may all be stuck until it is over */
    return false;
  if (op->guest)
    TAILQ_FOREACH (other, &op->host->running, entry)
      if (other->guest && other->def->lane == op->def->lane && memcmp(other->uuid, op->uuid, sizeof op->uuid) == 0)
        return false;
  return true;
}

/* Lua thread. libuv starts its workers at the first call: they inherit a mask that leaves signals to the Lua thread. */
static void submit(gl_op *op)
{
  gl_host *h = op->host;
  if (!admissible(op)) {
    op->phase = GL_OP_QUEUED;
    TAILQ_INSERT_TAIL(&h->queue, op, entry);
    return;
  }
  if (h) {
    h->in_flight++;
    TAILQ_INSERT_TAIL(&h->running, op, entry);
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

/* Lua thread: one call is over, so one that waited may begin. */
static void let_in(gl_host *h)
{
  gl_op *op;
  TAILQ_FOREACH (op, &h->queue, entry) {
    if (!admissible(op))
      continue;
    TAILQ_REMOVE(&h->queue, op, entry);
    submit(op);
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
  if (op->host) {
    op->host->in_flight--;
    TAILQ_REMOVE(&op->host->running, op, entry);
    let_in(op->host);
  }
  gl_waitlist_wake(&op->waiters, -1);
  if (op->orphan)
    op_free(op);
}

/* The box: a userdata that owns the op from before the op owns anything. */
static int box_close(lua_State *L)
{
  gl_op **box = lua_touserdata(L, 1);
  gl_op *op = *box;
  *box = NULL;
  if (!op)
    return 0;
  op->orphan = op->phase == GL_OP_RUNNING;
  if (op->orphan)
    return 0; /* on_done frees it */
  if (op->phase == GL_OP_QUEUED) {
    TAILQ_REMOVE(&op->host->queue, op, entry);
    op->state->alive.ops--;
  }
  op_free(op);
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
  op->def = def; /* op_free looks at it */
  TAILQ_INIT(&op->waiters);
  return op;
}

/* Takes references of the op's own on what bind filled in, so that closing a guest during the call is safe. */
static void hold(lua_State *L, gl_op *op)
{
  if (op->disk)
    op->disk = gl_op_keep(L, op, op->disk);
  if (op->dom) {
    op->guest = gl_op_keep(L, op, virDomainGetName(op->dom));
    virDomainGetUUID(op->dom, op->uuid);
  }
  if (op->uri)
    op->uri = gl_op_keep(L, op, op->uri);
  if (!op->host)
    return;
  op->held = true;
  gl_host_ref(op->host);
  virConnectRef(op->conn);
  if (op->dom)
    virDomainRef(op->dom);
}

static int finish(lua_State *L, gl_op *op)
{
  if (op->watched)
    gl_log_call(L, op, NULL);
  if (op->no_loop)
    gl_error_call(L, op, "no_event_loop",
                  "the program that embeds guestlua has said that it runs libvirt's event loop, and it has not run for %d s",
                  GL_EVENT_PATIENCE);
  if (op->rc < 0)
    gl_error_libvirt(L, op);
  return op->def->push ? op->def->push(L, op) : 0;
}

/* Nobody waits any more. */
static _Noreturn void abandon(lua_State *L, const gl_op *op, const char *kind)
{
  if (op->watched)
    gl_log_call(L, op, kind);
  gl_error_abandoned(L, op, kind);
}

static int resumed(lua_State *L, int status, lua_KContext ctx);

/* Pushes what somebody waits for, for people. */
static void describe(lua_State *L, const void *about)
{
  const gl_op *op = about;
  const char *call = op->def->call ? op->def->call : op->def->name;
  if (op->guest)
    lua_pushfstring(L, "%s of guest '%s'%s%s", call, op->guest, op->disk ? ", disk " : "", op->disk ? op->disk : "");
  else
    lua_pushstring(L, call);
}

/* Lua thread: waits for the call that submit took over. */
static int await(lua_State *L, gl_op *op)
{
  return gl_task_wait(L, (gl_wait){.list = &op->waiters, .seconds = op->bounded ? op->timeout : -1, .describe = describe, .about = op},
                      (lua_KContext)op, resumed);
}

static int resumed(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  gl_op *op = (gl_op *)ctx;
  bool timed_out = gl_task_timed_out(L);
  const char *cancelled = gl_task_cancelled(L);
  if (cancelled)
    abandon(L, op, cancelled);
  if (op->phase == GL_OP_DONE)
    return finish(L, op);
  if (timed_out)
    abandon(L, op, "timeout");
  return await(L, op);
}

/* The limits of the task's calls hold for this one too; one that has no time left is not made. */
static void limit(lua_State *L, gl_op *op, const gl_task *t)
{
  double left = t->calls_end > 0 ? t->calls_end - gl_time() : op->bounded ? op->timeout : t->each_call;
  if (!op->bounded && t->each_call > 0 && t->each_call < left)
    left = t->each_call;
  if (!op->bounded || op->timeout > left)
    op->timeout = left > 0 ? left : 0;
  op->bounded = true;
  if (left <= 0 && t->calls_end > 0)
    abandon(L, op, "timeout");
}

int gl_op_invoke(lua_State *L, const gl_opdef *def, const gl_class *class)
{
  int top = lua_gettop(L);
  if (def->invoke) {
    gl_opts_read(L, class ? 2 : 1, top, def->name, def->params, NULL, false);
    return def->invoke(L);
  }
  gl_object *self = class ? gl_object_check(L, 1, class, def->name) : NULL;
  gl_state *s = self && self->host ? self->host->state : gl_state_get(L);
  if (!pthread_equal(s->thread, pthread_self()))
    gl_error_throw(L, "wrong_thread", "%s: this Lua state belongs to another thread, the one that opened guestlua in it", def->name);
  /* A call with a time limit always hops: nothing can leave it otherwise. */
  bool bounded = !def->memory && gl_opts_has_timeout(L, self ? 2 : 1, top, def->params);
  gl_task *t = def->memory ? NULL : gl_task_current(L, s);
  bool loops = s->dispatching || gl_event_is_programs(); /* this thread, or it may: nothing may hold it up */
  bool limited = t && (t->calls_end > 0 || t->each_call > 0);
  bool hop = bounded || limited || (t && !(def->quick && s->alive.tasks == 1 && !loops));
  bool on_stack = !hop && (def->quick || def->memory) && !def->release && def->size <= STACK_OP_ROOM;

  union {
    gl_op op;
    char room[STACK_OP_ROOM];
  } here;
  gl_op *op = &here.op;
  if (on_stack)
    memset(op, 0, def->size ? def->size : sizeof *op);
  else
    op = gl_op_new(L, def);
  op->def = def;
  op->state = s;
  op->watched = s->watch;
  if (self) {
    op->host = self->host;
    class->bind(L, self, op);
  }
  gl_opts_read(L, self ? 2 : 1, top, def->name, def->params, op, !on_stack);
  if (limited)
    limit(L, op, t);
  if (def->check)
    def->check(L, op);
  if (op->watched && gl_log_holds(op))
    return gl_log_hold(L, op);
  if (!hop) {
    run(op);
    if (on_stack && op->rc < 0) {
      /* Only a box frees what an error leaves: give the failed call one. */
      gl_op *failed = gl_op_new(L, def);
      memcpy(failed, op, def->size ? def->size : sizeof *op);
      op = failed;
    }
    return finish(L, op);
  }
  hold(L, op);
  return gl_op_start(L, op);
}

int gl_op_start(lua_State *L, gl_op *op)
{
  op->watched = op->state->watch;
  if (!op->bounded && !gl_task_current(L, op->state)) {
    run(op);
    return finish(L, op);
  }
  gl_task_check(L); /* before anything is under way */
  op->state->alive.ops++;
  submit(op);
  return await(L, op);
}

void gl_op_detach(gl_host *host, const gl_opdef *def, virConnectPtr conn)
{
  gl_op *op = calloc(1, sizeof *op);
  if (!op)
    return; /* no memory to close it with: it stays open until the process ends */
  op->def = def;
  op->orphan = true;
  TAILQ_INIT(&op->waiters);
  op->state = host->state;
  op->host = gl_host_ref(host);
  op->held = true;
  op->conn = conn;
  op->state->alive.ops++;
  submit(op);
}

int gl_push_text(lua_State *L, gl_op *op)
{
  lua_pushstring(L, ((gl_text_op *)op)->text);
  return 1;
}

void gl_release_text(gl_op *op)
{
  free(((gl_text_op *)op)->text);
}

int gl_run_nothing(gl_op *op)
{
  (void)op;
  return 0;
}

int gl_push_boolean(lua_State *L, gl_op *op)
{
  lua_pushboolean(L, op->rc);
  return 1;
}

int gl_push_integer(lua_State *L, gl_op *op)
{
  lua_pushinteger(L, op->rc);
  return 1;
}

void gl_op_open(lua_State *L)
{
  luaL_newmetatable(L, box_class);
  lua_pushcfunction(L, box_close);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, box_close);
  lua_setfield(L, -2, "__close");
  lua_pop(L, 1);
}
