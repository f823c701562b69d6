#include "event/queue.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "loop/wait.h"

/* Unfetched events beyond this number are dropped, and counted. */
#define MAX_PENDING 1024

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

void gl_registration_unref(gl_registration *r)
{
  if (atomic_fetch_sub(&r->refs, 1) > 1)
    return;
  queue_unref(r->queue);
  pthread_mutex_destroy(&r->mutex);
  free(r);
}

void gl_sub_unref(gl_sub *sub)
{
  if (atomic_fetch_sub(&sub->refs, 1) > 1)
    return;
  free(sub);
}

void gl_event_free(gl_event *e)
{
  atomic_fetch_sub(&e->sub->pending, 1);
  gl_sub_unref(e->sub);
  for (int i = 0; i < GL_EVENT_TEXTS; i++)
    free((char *)e->data.texts[i]);
  virTypedParamsFree(e->data.params, e->data.params_count);
  free((char *)e->object.name);
  free(e);
}

void gl_events_free(gl_event *e)
{
  while (e) {
    gl_event *next = e->next;
    gl_event_free(e);
    e = next;
  }
}

/* Takes all events, under the mutex. */
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

/* From here on no callback sends to it. */
static void close_queue(gl_state *s)
{
  gl_events_free(queue_take(s->queue, true));
  queue_unref(s->queue);
}

/* For virTypedParamsFree. NULL if there are no parameters. */
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

void gl_event_deliver_to(gl_member *m, const gl_event_kind *kind, const gl_event_object *object, const gl_event_data *data)
{
  gl_sub *sub = m->sub;
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
  if (object) {
    e->object = *object;
    e->object.name = strdup(object->name);
    e->object.qemu_event = NULL; /* it is in the data */
  }

  gl_queue *q = m->registration->queue;
  pthread_mutex_lock(&q->mutex);
  bool open = q->wakeup != NULL;
  if (open) {
    *q->last = e;
    q->last = &e->next;
    uv_async_send(q->wakeup);
  }
  pthread_mutex_unlock(&q->mutex);
  if (!open)
    gl_event_free(e);
}

/* A subscription of an object has no events of objects of another type: so their names and UUIDs are enough. */
static bool concerns(const gl_sub *sub, const gl_event_object *object)
{
  if (!object)
    return true;
  if (object->qemu_event && sub->qemu_event && strcasecmp(object->qemu_event, sub->qemu_event) != 0)
    return false;
  if (!sub->of_one)
    return true;
  return object->has_uuid ? memcmp(object->uuid, sub->uuid, sizeof sub->uuid) == 0 : strcmp(object->name, sub->name) == 0;
}

static void deliver_to_registration(gl_registration *r, const gl_event_object *object, const gl_event_data *data)
{
  gl_member *m;
  pthread_mutex_lock(&r->mutex);
  LIST_FOREACH (m, &r->members, entry)
    if (concerns(m->sub, object))
      gl_event_deliver_to(m, r->kind, object, data);
  pthread_mutex_unlock(&r->mutex);
}

void gl_event_deliver(void *opaque, const gl_event_object *object, const gl_event_data *data)
{
  gl_feed *feed = opaque;
  pthread_mutex_lock(&feed->mutex);
  for (gl_registration *r = feed->registrations; r; r = r->other)
    deliver_to_registration(r, object, data);
  pthread_mutex_unlock(&feed->mutex);
}

gl_queue *gl_queue_ref(gl_queue *q)
{
  atomic_fetch_add(&q->refs, 1);
  return q;
}

static void drain(uv_async_t *wakeup)
{
  gl_state *s = wakeup->data;
  for (gl_event *e = queue_take(s->queue, false), *next; e; e = next) {
    gl_sub *sub = e->sub;
    next = e->next;
    e->next = NULL;
    if (sub->closed) {
      gl_event_free(e);
      continue;
    }
    *sub->last = e;
    sub->last = &e->next;
    gl_waitlist_wake(&sub->waiters, 1);
  }
}

void gl_event_open(lua_State *L, gl_state *s)
{
  s->queue = queue_new(gl_state_on_wakeup(s, drain));
  if (!s->queue)
    luaL_error(L, "guestlua: out of memory");
  gl_state_at_close(s, close_queue);
}
