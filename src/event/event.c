#include "event/event.h"

#include <lauxlib.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/names.h"
#include "event/kind.h"
#include "loop/park.h"

/* More than this many events that nobody fetched are dropped, and counted. */
#define MAX_PENDING 1024

typedef struct gl_event gl_event;
typedef struct gl_member gl_member;

/* libvirt's callback for one kind of event of one connection. */
struct gl_registration {
  gl_registration *next; /* of the host */
  const gl_event_kind *kind;
  virConnectPtr conn; /* counted: where it is registered */
  int id;             /* there */
  atomic_int refs;    /* the host's and libvirt's */
  pthread_mutex_t mutex;
  gl_member *members; /* the subscriptions to it; under the mutex */
};

/* That a subscription hears of a registration. */
struct gl_member {
  gl_member *next; /* of the registration */
  gl_sub *sub;
  gl_registration *registration; /* counted */
};

struct gl_sub {
  atomic_int refs; /* the Lua thread's, and one for each event under way */
  atomic_int pending, lost;
  gl_queue *queue;
  bool one_guest;
  char uuid[VIR_UUID_STRING_BUFLEN]; /* whose */
  int count;
  gl_member *members; /* count of them, on their registrations' lists until sub_close */

  /* Lua thread only. */
  bool closed;
  gl_event *first, **last;
  gl_waitlist waiters;
};

struct gl_event {
  gl_event *next;
  gl_sub *sub; /* counted */
  const gl_event_kind *kind;
  gl_event_data data;
  int lost;    /* events that were dropped before this one */
  char *guest; /* NULL: it is the connection's */
  char uuid[VIR_UUID_STRING_BUFLEN];
};

struct gl_queue {
  atomic_int refs;
  pthread_mutex_t mutex;
  gl_event *first, **last; /* the rest of this struct is under the mutex */
  uv_async_t *wakeup;      /* NULL once the state is closed */
};

static gl_queue *queue_new(uv_async_t *wakeup)
{
  gl_queue *q = calloc(1, sizeof *q);
  if (!q)
    return NULL;
  atomic_init(&q->refs, 1);
  pthread_mutex_init(&q->mutex, NULL);
  q->last = &q->first;
  q->wakeup = wakeup;
  return q;
}

static void queue_unref(gl_queue *q)
{
  if (atomic_fetch_sub(&q->refs, 1) > 1)
    return;
  pthread_mutex_destroy(&q->mutex);
  free(q);
}

static void registration_unref(gl_registration *r)
{
  if (atomic_fetch_sub(&r->refs, 1) > 1)
    return;
  pthread_mutex_destroy(&r->mutex);
  free(r);
}

static void sub_unref(gl_sub *sub)
{
  if (atomic_fetch_sub(&sub->refs, 1) > 1)
    return;
  queue_unref(sub->queue);
  free(sub->members);
  free(sub);
}

static void event_free(gl_event *e)
{
  atomic_fetch_sub(&e->sub->pending, 1);
  sub_unref(e->sub);
  for (int i = 0; i < GL_EVENT_TEXTS; i++)
    free((char *)e->data.texts[i]);
  virTypedParamsFree(e->data.params, e->data.params_count);
  free(e->guest);
  free(e);
}

static void events_free(gl_event *e)
{
  while (e) {
    gl_event *next = e->next;
    event_free(e);
    e = next;
  }
}

/* Takes all there is, under the mutex. */
static gl_event *queue_take(gl_queue *q, bool closing)
{
  pthread_mutex_lock(&q->mutex);
  gl_event *events = q->first;
  q->first = NULL;
  q->last = &q->first;
  if (closing)
    q->wakeup = NULL;
  pthread_mutex_unlock(&q->mutex);
  return events;
}

/* From here on no callback sends to s->wakeup. */
static void close_queue(gl_state *s)
{
  events_free(queue_take(s->queue, true));
  queue_unref(s->queue);
}

/* For virTypedParamsFree. NULL where there are none. */
static virTypedParameterPtr copy_params(virTypedParameterPtr params, int count)
{
  virTypedParameterPtr copy = count > 0 ? malloc((size_t)count * sizeof *copy) : NULL;
  for (int i = 0; copy && i < count; i++) {
    copy[i] = params[i];
    if (copy[i].type == VIR_TYPED_PARAM_STRING && copy[i].value.s)
      copy[i].value.s = strdup(copy[i].value.s);
  }
  return copy;
}

/* Event thread, under the registration's mutex: the sub cannot go away meanwhile. */
static void deliver_to(gl_sub *sub, const gl_event_kind *kind, const char *guest, const char *uuid, const gl_event_data *data)
{
  gl_event *e = calloc(1, sizeof *e);
  if (!e || atomic_load(&sub->pending) >= MAX_PENDING) {
    atomic_fetch_add(&sub->lost, 1);
    free(e);
    return;
  }
  atomic_fetch_add(&sub->refs, 1);
  atomic_fetch_add(&sub->pending, 1);
  e->sub = sub;
  e->kind = kind;
  e->lost = atomic_exchange(&sub->lost, 0);
  e->data = *data;
  for (int i = 0; i < GL_EVENT_TEXTS; i++)
    e->data.texts[i] = data->texts[i] ? strdup(data->texts[i]) : NULL;
  e->data.params = copy_params(data->params, data->params_count);
  e->data.params_count = e->data.params ? data->params_count : 0;
  if (guest) {
    e->guest = strdup(guest);
    memcpy(e->uuid, uuid, sizeof e->uuid);
  }

  gl_queue *q = sub->queue;
  pthread_mutex_lock(&q->mutex);
  bool open = q->wakeup != NULL;
  if (open) {
    *q->last = e;
    q->last = &e->next;
    uv_async_send(q->wakeup);
  }
  pthread_mutex_unlock(&q->mutex);
  if (!open)
    event_free(e);
}

void gl_event_deliver(void *registration, virDomainPtr dom, const gl_event_data *data)
{
  gl_registration *r = registration;
  char uuid[VIR_UUID_STRING_BUFLEN] = "";
  if (dom)
    virDomainGetUUIDString(dom, uuid);
  pthread_mutex_lock(&r->mutex);
  for (gl_member *m = r->members; m; m = m->next)
    if (!dom || !m->sub->one_guest || strcmp(m->sub->uuid, uuid) == 0)
      deliver_to(m->sub, r->kind, dom ? virDomainGetName(dom) : NULL, uuid, data);
  pthread_mutex_unlock(&r->mutex);
}

/* Any thread. */
static void on_free(void *opaque)
{
  registration_unref(opaque);
}

/* ---- what Lua sees of it ---- */

static void push_event(lua_State *L, const gl_event *e)
{
  lua_createtable(L, 0, 6);
  gl_enum_push(L, &gl_event_ids, e->kind->id);
  lua_setfield(L, -2, "event");
  if (e->guest) {
    lua_pushstring(L, e->guest);
    lua_setfield(L, -2, "guest");
    lua_pushstring(L, e->uuid);
    lua_setfield(L, -2, "uuid");
  }
  gl_event_push_fields(L, e->kind, &e->data);
}

static void drain(gl_state *s)
{
  for (gl_event *e = queue_take(s->queue, false), *next; e; e = next) {
    gl_sub *sub = e->sub;
    next = e->next;
    e->next = NULL;
    if (sub->closed) {
      event_free(e);
      continue;
    }
    *sub->last = e;
    sub->last = &e->next;
    gl_waitlist_wake(&sub->waiters, 1);
  }
}

void gl_event_open(lua_State *L, gl_state *s)
{
  s->queue = queue_new(&s->wakeup);
  if (!s->queue)
    luaL_error(L, "guestlua: out of memory");
  gl_state_on_wakeup(s, drain);
  gl_state_at_close(s, close_queue);
}

typedef struct subscription {
  gl_object object;
  gl_sub *sub;
} subscription;

/* Any thread: off the registrations' lists; no event comes any more. */
static void leave(gl_sub *sub)
{
  for (; sub->count > 0; sub->count--) {
    gl_member *m = &sub->members[sub->count - 1];
    gl_registration *r = m->registration;
    pthread_mutex_lock(&r->mutex);
    gl_member **p = &r->members;
    while (*p != m)
      p = &(*p)->next;
    *p = m->next;
    pthread_mutex_unlock(&r->mutex);
    registration_unref(r);
  }
}

/* Lua thread: gives back what gl_sub_register made. */
static void sub_close(gl_sub *sub)
{
  leave(sub);
  sub->closed = true; /* events of it may be in the state's queue still */
  events_free(sub->first);
  sub->first = NULL;
  sub->last = &sub->first;
  gl_waitlist_wake(&sub->waiters, -1); /* they will find the subscription closed */
  sub_unref(sub);
}

static void subscription_close(gl_object *o)
{
  subscription *self = (subscription *)o;
  o->host->state->alive.subscriptions--;
  sub_close(self->sub);
  self->sub = NULL;
}

typedef struct subscribe_op {
  gl_op op;
  long long events;
  gl_sub *sub;
} subscribe_op;

static const gl_param subscribe_params[] = {
  GL_ARG_FLAGS(subscribe_op, events, &gl_event_ids, "an event's name, or a list of them"),
  GL_END,
};

/* The connection is lost. Event thread. */
static void on_disconnected(virConnectPtr conn, int reason, void *opaque)
{
  (void)conn;
  const gl_event_data data = {.numbers = {reason}};
  gl_event_deliver(opaque, NULL, &data);
}

/* Makes libvirt call r's callback, on that connection from now on. */
static int connect_registration(virConnectPtr conn, gl_registration *r)
{
  int id;
  atomic_fetch_add(&r->refs, 1);
  if (r->kind->id == GL_EVENT_DISCONNECTED)
    id = virConnectRegisterCloseCallback(conn, on_disconnected, r, NULL); /* a driver that knows of no such thing would not free it */
  else if (r->kind->id == GL_EVENT_RECONNECTED)
    id = 0; /* told by gl_event_reconnect */
  else
    id = virConnectDomainEventRegisterAny(conn, NULL, r->kind->id, r->kind->callback, r, on_free);
  if (id < 0) {
    registration_unref(r);
    return -1;
  }
  virConnectRef(conn);
  r->conn = conn;
  r->id = id;
  return 0;
}

/* The connection may be lost, and deaf to this: libvirt forgets the callback all the same. */
static void disconnect_registration(gl_registration *r, virConnectPtr conn, int id)
{
  if (r->kind->id == GL_EVENT_DISCONNECTED)
    virConnectUnregisterCloseCallback(conn, on_disconnected); /* also waits for one that runs */
  else if (r->kind->id != GL_EVENT_RECONNECTED)
    virConnectDomainEventDeregisterAny(conn, id); /* calls on_free */
  if (r->kind->id >= GL_EVENT_DISCONNECTED)
    registration_unref(r);
  virConnectClose(conn);
}

/* The host's registration for the event, made where it has none yet; under the host's mutex. NULL where libvirt refused. */
static gl_registration *find_registration(gl_op *op, int event)
{
  gl_registration *r = op->host->registrations;
  while (r && r->kind->id != event)
    r = r->next;
  if (r)
    return r;
  r = calloc(1, sizeof *r);
  if (!r)
    return NULL;
  atomic_init(&r->refs, 1);
  pthread_mutex_init(&r->mutex, NULL);
  r->kind = gl_event_kind_of(event);
  if (connect_registration(op->conn, r) < 0) {
    registration_unref(r);
    return NULL;
  }
  r->next = op->host->registrations;
  op->host->registrations = r;
  return r;
}

/* Any thread. */
static gl_sub *sub_new(gl_op *op, int count)
{
  gl_sub *sub = calloc(1, sizeof *sub);
  gl_member *members = calloc((size_t)count, sizeof *members);
  if (!sub || !members) {
    free(sub);
    free(members);
    return NULL;
  }
  atomic_init(&sub->refs, 1);
  sub->members = members;
  sub->queue = op->state->queue;
  atomic_fetch_add(&sub->queue->refs, 1);
  sub->last = &sub->first;
  TAILQ_INIT(&sub->waiters);
  sub->one_guest = op->dom != NULL;
  if (op->dom)
    virDomainGetUUIDString(op->dom, sub->uuid);
  return sub;
}

int gl_sub_register(gl_op *op, long long events, gl_sub **result)
{
  virResetLastError();                                             /* a host that is being closed is no error of libvirt's */
  op->no_loop = op->phase == GL_OP_RUNNING && gl_event_runs() < 0; /* inline it may be that very thread that runs the loop */
  if (op->no_loop)
    return -1;
  gl_sub *sub = sub_new(op, __builtin_popcountll((unsigned long long)events));
  if (!sub)
    return -1;
  for (int id = 0; id < GL_EVENT_COUNT; id++) {
    if (!(events >> id & 1))
      continue;
    pthread_mutex_lock(&op->host->mutex);
    gl_registration *r = op->host->closing ? NULL : find_registration(op, id);
    if (r)
      atomic_fetch_add(&r->refs, 1);
    pthread_mutex_unlock(&op->host->mutex);
    if (!r) {
      leave(sub);
      sub_unref(sub);
      return -1;
    }
    gl_member *m = &sub->members[sub->count++];
    m->sub = sub;
    m->registration = r;
    pthread_mutex_lock(&r->mutex);
    m->next = r->members;
    r->members = m;
    pthread_mutex_unlock(&r->mutex);
  }
  *result = sub;
  return 0;
}

void gl_event_deregister(gl_host *host)
{
  pthread_mutex_lock(&host->mutex);
  gl_registration *r = host->registrations, *next;
  host->registrations = NULL;
  host->closing = true;
  pthread_mutex_unlock(&host->mutex);
  for (; r; r = next) {
    next = r->next;
    disconnect_registration(r, r->conn, r->id);
    registration_unref(r);
  }
}

/* Tells each subscription once, at the first of its registrations. */
static void tell_gap(gl_registration *r, double gap)
{
  const gl_event_data data = {.numbers = {(long long)gap}};
  pthread_mutex_lock(&r->mutex);
  for (gl_member *m = r->members; m; m = m->next)
    if (m == m->sub->members)
      deliver_to(m->sub, gl_event_kind_of(GL_EVENT_RECONNECTED), NULL, "", &data);
  pthread_mutex_unlock(&r->mutex);
}

/* Where libvirt refuses one the others stay where they have come to, which is whence the next attempt moves them. */
int gl_event_reconnect(gl_host *host, virConnectPtr new)
{
  int rc = 0;
  pthread_mutex_lock(&host->mutex);
  for (gl_registration *r = host->registrations; r && rc == 0; r = r->next) {
    virConnectPtr old = r->conn;
    int id = r->id;
    rc = connect_registration(new, r);
    if (rc == 0)
      disconnect_registration(r, old, id);
  }
  pthread_mutex_unlock(&host->mutex);
  return rc;
}

void gl_event_tell_gap(gl_host *host)
{
  pthread_mutex_lock(&host->mutex);
  for (gl_registration *r = host->registrations; r; r = r->next)
    tell_gap(r, host->gap);
  pthread_mutex_unlock(&host->mutex);
}

void gl_sub_push(lua_State *L, gl_op *op, gl_sub **sub)
{
  subscription *s = gl_object_new(L, &gl_subscription_class, sizeof *s, 1);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  gl_object_adopt(L, &s->object, op->host);
  s->sub = *sub;
  *sub = NULL;
  op->state->alive.subscriptions++;
}

void gl_sub_drop(gl_sub *sub)
{
  if (sub)
    sub_close(sub);
}

static int subscribe_run(gl_op *op)
{
  subscribe_op *self = (subscribe_op *)op;
  return gl_sub_register(op, self->events, &self->sub);
}

static int subscribe_push(lua_State *L, gl_op *op)
{
  gl_sub_push(L, op, &((subscribe_op *)op)->sub);
  return 1;
}

static void subscribe_release(gl_op *op)
{
  gl_sub_drop(((subscribe_op *)op)->sub);
}

const gl_opdef gl_subscribe = {
  .name = "subscribe",
  .call = "virConnectDomainEventRegisterAny",
  .help = "Hears of an event from now on. Subscribe before the call that causes the event, or it may be missed.",
  .returns = "a Subscription: its next(timeout) gives one event after the other",
  .params = subscribe_params,
  .size = sizeof(subscribe_op),
  .run = subscribe_run,
  .push = subscribe_push,
  .release = subscribe_release,
  .quick = true,
  .lane = GL_LANE_BESIDE,
};

/* ---- Subscription ---- */

typedef struct next_op {
  gl_op op;
  double timeout;
} next_op;

static const gl_param next_params[] = {
  GL_ARG_OR_NIL(next_op, timeout, GL_NUMBER, "seconds to wait at most; nil: as long as it takes"),
  GL_END,
};

/* The stack: the Subscription, and when the time is over (infinity: never). */
static int next_resumed(lua_State *L, int status, lua_KContext ctx);

static int next_wait(lua_State *L, subscription *self)
{
  gl_sub *sub = self->sub;
  gl_event *e = sub->first;
  int lost = e ? e->lost : atomic_exchange(&sub->lost, 0);
  if (lost) {
    if (e)
      e->lost = 0;
    lua_createtable(L, 0, 2);
    lua_pushliteral(L, "lost");
    lua_setfield(L, -2, "event");
    lua_pushinteger(L, lost);
    lua_setfield(L, -2, "count");
    return 1;
  }
  if (!e) {
    return gl_task_wait(L, (gl_wait){.list = &sub->waiters, .seconds = gl_time_left(lua_tonumber(L, 2)), .what = "an event"},
                        (lua_KContext)self, next_resumed);
  }
  push_event(L, e);
  sub->first = e->next;
  if (!sub->first)
    sub->last = &sub->first;
  event_free(e);
  return 1;
}

static int next_resumed(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  subscription *self = (subscription *)ctx;
  bool timed_out = gl_task_timed_out(L);
  if (self->object.closed)
    gl_error_throw(L, "closed", "next: the subscription was closed meanwhile");
  gl_task_check(L);
  if (!self->sub->first && timed_out) {
    lua_pushnil(L);
    return 1;
  }
  return next_wait(L, self);
}

static int subscription_next(lua_State *L)
{
  subscription *self = gl_object_check(L, 1, &gl_subscription_class, "next");
  next_op args = {.timeout = HUGE_VAL};
  gl_opts_read(L, 2, lua_gettop(L), "next", next_params, &args.op, false);
  lua_settop(L, 1);
  lua_pushnumber(L, gl_time() + args.timeout);
  return next_wait(L, self);
}

static const gl_opdef next_def = {
  .name = "next",
  .help =
    "Waits for the next event. More than 1024 events that nobody fetched are dropped, and told as an event \"lost\" with their count.",
  .returns = "the event, a table: event, guest, uuid and what belongs to it; nil when the time is over",
  .params = next_params,
  .invoke = subscription_next,
};
static const gl_opdef close_def = {
  .name = "close",
  .call = "virConnectDomainEventDeregisterAny",
  .help = "Ends the subscription; closing it twice is harmless. A to-be-closed variable does the same at the end of its scope.",
  .invoke = gl_object_close_method,
};
static const gl_opdef *const methods[] = {&next_def, &close_def, NULL};

static const gl_opdef *const *const ops[] = {methods, NULL};

const gl_class gl_subscription_class = {
  .name = "Subscription",
  .help = "Events of one kind, of one guest or of all guests of a host, from the moment of subscribe on.",
  .ops = ops,
  .close = subscription_close,
};
