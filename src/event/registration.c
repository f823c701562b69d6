#include "event/registration.h"

#include <stdlib.h>
#include <string.h>

#include "event/kind.h"
#include "event/source.h"
#include "event/thread.h"
#include "loop/wait.h"

/* Any thread: takes it off the registrations' lists; no more events come. */
static void leave(gl_sub *sub)
{
  for (; sub->count > 0; sub->count--) {
    gl_member *m = &sub->members[sub->count - 1];
    gl_registration *r = m->registration;
    pthread_mutex_lock(&r->mutex);
    LIST_REMOVE(m, entry);
    pthread_mutex_unlock(&r->mutex);
    gl_registration_unref(r);
  }
}

void gl_sub_drop(gl_sub *sub)
{
  if (!sub)
    return;
  leave(sub);
  sub->closed = true; /* the state's queue may still hold events for it */
  gl_events_free(sub->first);
  sub->first = NULL;
  sub->last = &sub->first;
  gl_waitlist_wake(&sub->waiters, -1); /* they will find the subscription closed */
  gl_sub_unref(sub);
}

/* Moves r to that connection. Negative if libvirt refused. */
static int connect_registration(virConnectPtr conn, gl_registration *r)
{
  return r->kind->family ? gl_source_join(conn, r) : 0; /* "reconnected" is reported by gl_event_report_gap */
}

/* Under the connection's mutex. NULL if libvirt refused. */
static gl_registration *new_registration(gl_op *op, const gl_event_kind *kind)
{
  gl_registration *r = calloc(1, sizeof *r);
  if (!r)
    return NULL;
  atomic_init(&r->refs, 1);
  pthread_mutex_init(&r->mutex, NULL);
  r->kind = kind;
  r->queue = gl_queue_ref(op->state->queue);
  if (connect_registration(gl_op_connect(op), r) < 0) {
    gl_registration_unref(r);
    return NULL;
  }
  r->next = op->connection->registrations;
  op->connection->registrations = r;
  return r;
}

/* Any thread. One piece of memory: the subscription, its members, and the texts. */
static gl_sub *sub_new(gl_op *op, unsigned long long events, const char *qemu_event)
{
  int count = __builtin_popcountll(events);
  size_t name = strlen(op->subject->name) + 1, filter = qemu_event ? strlen(qemu_event) + 1 : 0;
  gl_sub *sub = calloc(1, sizeof *sub + (size_t)count * sizeof *sub->members + name + filter);
  if (!sub)
    return NULL;
  char *texts = (char *)&sub->members[count];
  atomic_init(&sub->refs, 1);
  sub->last = &sub->first;
  TAILQ_INIT(&sub->waiters);
  sub->of_one = op->subject->type != &gl_connect_handle;
  sub->name = memcpy(texts, op->subject->name, name);
  memcpy(sub->uuid, op->subject->uuid, sizeof sub->uuid);
  sub->qemu_event = qemu_event ? memcpy(texts + name, qemu_event, filter) : NULL;
  return sub;
}

/* Puts the subscription on the list of each registration; those that the connection lacks are made, or else it fails. NULL: then it is
 * dropped, and if libvirt refused one op->call is what it refused. Under the connection's mutex. */
static gl_sub *join(gl_op *op, gl_sub *sub, unsigned long long events, bool makes)
{
  for (; events; events &= events - 1) {
    const gl_event_kind *kind = &gl_event_kinds[__builtin_ctzll(events)];
    gl_registration *r = op->connection->registrations;
    while (r && r->kind != kind)
      r = r->next;
    if (!r && makes && !op->connection->closing)
      r = new_registration(op, kind);
    if (!r) {
      if (makes)
        op->call = kind->family ? kind->family->call : NULL;
      leave(sub);
      gl_sub_unref(sub);
      return NULL;
    }
    gl_member *m = &sub->members[sub->count++];
    m->sub = sub;
    m->registration = r;
    atomic_fetch_add(&r->refs, 1);
    pthread_mutex_lock(&r->mutex);
    LIST_INSERT_HEAD(&r->members, m, entry);
    pthread_mutex_unlock(&r->mutex);
  }
  return sub;
}

bool gl_sub_share(gl_op *op, unsigned long long events, const char *qemu_event, gl_sub **result)
{
  /* A worker that has the mutex is at a call of libvirt's. */
  if (gl_event_is_programs || pthread_mutex_trylock(&op->connection->mutex) != 0)
    return false;
  gl_sub *sub = sub_new(op, events, qemu_event);
  *result = sub ? join(op, sub, events, false) : NULL;
  pthread_mutex_unlock(&op->connection->mutex);
  return *result;
}

int gl_sub_register(gl_op *op, unsigned long long events, const char *qemu_event, gl_sub **result)
{
  virResetLastError(); /* a host that is being closed is not a libvirt error */
  if (gl_event_await_loop(op) < 0)
    return -1;
  gl_sub *sub = sub_new(op, events, qemu_event);
  if (!sub)
    return -1;
  pthread_mutex_lock(&op->connection->mutex);
  *result = join(op, sub, events, true);
  pthread_mutex_unlock(&op->connection->mutex);
  return *result ? 0 : -1;
}

void gl_event_deregister(gl_connection *connection)
{
  pthread_mutex_lock(&connection->mutex);
  gl_registration *r = connection->registrations, *next;
  connection->registrations = NULL;
  connection->closing = true;
  pthread_mutex_unlock(&connection->mutex);
  for (; r; r = next) {
    next = r->next;
    gl_source_leave(r);
    gl_registration_unref(r);
  }
}

/* Reports to each subscription once, at its first registration. */
static void report_gap(gl_registration *r, double gap)
{
  const gl_event_data data = {.numbers = {(long long)gap}};
  gl_member *m;
  pthread_mutex_lock(&r->mutex);
  LIST_FOREACH (m, &r->members, entry)
    if (m == m->sub->members)
      gl_event_deliver_to(m, &gl_event_kinds[GL_EVENT_RECONNECTED], NULL, &data);
  pthread_mutex_unlock(&r->mutex);
}

/* If libvirt refuses one, those already moved stay on the new connection; the next attempt continues from there. */
int gl_event_reconnect(gl_connection *connection, virConnectPtr new)
{
  int rc = 0;
  pthread_mutex_lock(&connection->mutex);
  for (gl_registration *r = connection->registrations; r && rc == 0; r = r->next)
    rc = connect_registration(new, r);
  pthread_mutex_unlock(&connection->mutex);
  return rc;
}

void gl_event_report_gap(gl_connection *connection)
{
  pthread_mutex_lock(&connection->mutex);
  for (gl_registration *r = connection->registrations; r; r = r->next)
    report_gap(r, connection->gap);
  pthread_mutex_unlock(&connection->mutex);
}
