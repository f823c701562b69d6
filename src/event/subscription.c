#include "event/subscription.h"

#include <lauxlib.h>
#include <math.h>

#include "base/error.h"
#include "call/args.h"
#include "event/kind.h"
#include "loop/park.h"

typedef struct subscription {
  gl_object object;
  gl_sub *sub;
} subscription;

static void subscription_close(gl_object *o)
{
  subscription *self = (subscription *)o;
  o->connection->state->alive.subscriptions--;
  gl_sub_drop(self->sub);
  self->sub = NULL;
}

static const gl_type subscription_type = {.name = "Subscription", .close = subscription_close};

/* Protected. */
static int push_event(lua_State *L)
{
  const gl_event *e = lua_touserdata(L, 1);
  const gl_event_object *object = &e->object;
  lua_createtable(L, 0, 8);
  lua_pushstring(L, e->kind->name);
  lua_setfield(L, -2, "event");
  if (object->name) {
    lua_pushstring(L, object->name);
    lua_setfield(L, -2, object->type ? "object" : "guest");
  }
  if (object->type) {
    lua_pushstring(L, object->type);
    lua_setfield(L, -2, "object_type");
  }
  if (object->has_uuid) {
    char uuid[VIR_UUID_STRING_BUFLEN];
    gl_handle_uuid_text(object->uuid, uuid);
    lua_pushstring(L, uuid);
    lua_setfield(L, -2, "uuid");
  }
  gl_event_push_fields(L, e->kind, &e->data);
  return 1;
}

/* Takes the event off the list meanwhile: a finalizer may close the subscription, or let another task take the next event. */
static void push_first(lua_State *L, gl_sub *sub)
{
  gl_event *e = sub->first;
  sub->first = e->next;
  if (!sub->first)
    sub->last = &sub->first;
  lua_pushcfunction(L, push_event); /* neither allocates */
  lua_pushlightuserdata(L, e);
  int status = lua_pcall(L, 1, 1, 0);
  if (status != LUA_OK && !sub->closed) { /* no memory: it comes again; e counts sub */
    e->next = sub->first;
    sub->first = e;
    if (!e->next)
      sub->last = &e->next;
    lua_error(L);
  }
  gl_event_free(e);
  if (status != LUA_OK)
    lua_error(L);
}

typedef struct subscribe_op {
  gl_op op;
  long long events;
  const char *qemu_event;
  gl_sub *sub;
} subscribe_op;

void gl_sub_push(lua_State *L, gl_op *op, gl_sub **sub)
{
  subscription *s = gl_object_new(L, &subscription_type, sizeof *s, 1);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  gl_object_adopt(L, &s->object, op->connection);
  s->sub = *sub;
  *sub = NULL;
  op->state->alive.subscriptions++;
}

static void subscribe_check(lua_State *L, gl_op *op)
{
  const subscribe_op *self = (const subscribe_op *)op;
  const gl_param *names = op->def->params;
  if (!self->events)
    gl_error_argument(L, op->def->name, names->name, "name at least one event");
  for (int number = 0; self->events >> number; number++)
    if (self->events >> number & 1 && !gl_enum_name(names->names, number))
      gl_error_argument(L, op->def->name, names->name, "no event has the number %d", number);
  if (self->qemu_event && !(self->events >> GL_EVENT_QEMU_MONITOR & 1))
    gl_error_argument(L, op->def->name, "qemu_event", "it picks events of \"qemu_monitor\", which is not among the names");
}

static int subscribe_run(gl_op *op)
{
  subscribe_op *self = (subscribe_op *)op;
  const gl_event_kind *first = &gl_event_kinds[__builtin_ctzll((unsigned long long)self->events)];
  if (first->family)
    op->call = first->family->call;
  return gl_sub_register(op, (unsigned long long)self->events, self->qemu_event, &self->sub);
}

static bool subscribe_at_hand(gl_op *op)
{
  subscribe_op *self = (subscribe_op *)op;
  return gl_sub_share(op, (unsigned long long)self->events, self->qemu_event, &self->sub);
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

#define QEMU_EVENT \
  GL_OPTION(subscribe_op, qemu_event, &gl_string, "of \"qemu_monitor\" only events that QEMU calls so, as \"RESET\"; default: all"),

/* The row for a class, and what it has besides the names. */
#define SUBSCRIBE(id, call_, options)                                                                                                    \
  static const gl_param id##_params[] = {GL_ARG_FLAGS(subscribe_op, events, &gl_event_names_##id, "an event's name, or a list of them"), \
                                         options GL_END};                                                                                \
  const gl_opdef gl_subscribe_##id = {                                                                                                   \
    .name = "subscribe",                                                                                                                 \
    .call = call_,                                                                                                                       \
    .help = "Subscribes to events of one or more kinds. Subscribe before the call that causes an event, or it may be missed.",           \
    .result = {"Subscription"},                                                                                                          \
    .returns = "a Subscription: each call of its next(timeout) returns the next event",                                                  \
    .params = id##_params,                                                                                                               \
    .size = sizeof(subscribe_op),                                                                                                        \
    .check = subscribe_check,                                                                                                            \
    .at_hand = subscribe_at_hand,                                                                                                        \
    .run = subscribe_run,                                                                                                                \
    .push = subscribe_push,                                                                                                              \
    .release = subscribe_release,                                                                                                        \
    GL_LOOK,                                                                                                                             \
  }

SUBSCRIBE(host, "virConnectDomainEventRegisterAny", QEMU_EVENT);
SUBSCRIBE(guest, "virConnectDomainEventRegisterAny", QEMU_EVENT);
SUBSCRIBE(network, "virConnectNetworkEventRegisterAny", );
SUBSCRIBE(storagepool, "virConnectStoragePoolEventRegisterAny", );
SUBSCRIBE(nodedevice, "virConnectNodeDeviceEventRegisterAny", );
SUBSCRIBE(secret, "virConnectSecretEventRegisterAny", );

/* ---- Subscription ---- */

typedef struct next_args {
  gl_args args;
  double timeout;
} next_args;

static const gl_param next_params[] = {
  GL_ARG_OR_NIL(next_args, timeout, &gl_number, "the longest wait in seconds; nil: no limit"),
  GL_END,
};

/* The stack: the Subscription, and the end of the time (infinity: none). */
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
  push_first(L, sub);
  return 1;
}

static int next_resumed(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  subscription *self = (subscription *)ctx;
  bool timed_out = gl_state_get(L)->timed_out;
  if (self->object.closed)
    gl_error_throw(L, "closed", "next: the subscription was closed meanwhile");
  gl_task_check_given(L, gl_state_get(L), &self->sub->waiters);
  if (!self->sub->first && timed_out) {
    lua_pushnil(L);
    return 1;
  }
  return next_wait(L, self);
}

static int subscription_next(lua_State *L, gl_args *args)
{
  subscription *self = gl_object_check(L, 1, &subscription_type, "next");
  bool limited = gl_args_given(args, next_params, offsetof(next_args, timeout));
  lua_settop(L, 1);
  lua_pushnumber(L, limited ? gl_time() + ((next_args *)args)->timeout : HUGE_VAL);
  return next_wait(L, self);
}

static const gl_result_field event_fields[] = {
  {"event", "string", "its name, as it was subscribed to"},
  {"guest", "string?", "the name of the guest that it is about"},
  {"object", "string?", "the name of what else it is about; of a secret its UUID"},
  {"object_type", "string?", "what that is: \"network\", \"pool\", \"node device\" or \"secret\""},
  {"uuid", "string?", "the UUID of that; devices of the host have none"},
  {"…", "any", "the fields that events of this name have: see the manual, \"Events\""},
  {NULL, NULL, NULL},
};
static const gl_opdef next_def = {
  .name = "next",
  .help = "Waits for the next event. Unfetched events beyond 1024 are dropped, and reported as an event \"lost\" with their "
          "number.",
  .result = {"table?"},
  .fields = event_fields,
  .params = next_params,
  .size = sizeof(next_args),
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
  .type = &subscription_type,
  .help = "Events of one or more kinds, of one guest, network, pool … or of all of a host, from the moment of subscribe on.",
  .ops = ops,
};
