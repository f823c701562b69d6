#include "event/source.h"

#include <stdlib.h>

#include "event/kind.h"

struct gl_source {
  gl_feed feed;
  gl_source *next;
  const gl_event_kind *kind;
  virConnectPtr conn; /* counted, so that no other gets its address; while it is being registered the caller holds it */
  int id;             /* libvirt's */
  bool busy;          /* it is being registered or ended, by the one thread that may */
  int users;          /* the registrations that have it or ask for it */
  atomic_int refs;    /* the list's and libvirt's */
};

/* The process's. Nobody calls libvirt while holding `lock`: a connection that hangs may hold up only those that want the same of it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t no_longer_busy = PTHREAD_COND_INITIALIZER;
static gl_source *sources;

static void source_unref(gl_source *source)
{
  if (atomic_fetch_sub(&source->refs, 1) > 1)
    return;
  pthread_mutex_destroy(&source->feed.mutex);
  free(source);
}

/* libvirt's freecb: any thread. */
static void on_free(void *opaque)
{
  source_unref(opaque);
}

static int begin(gl_source *source)
{
  atomic_fetch_add(&source->refs, 1);
  source->id = source->kind->family->begin(source->conn, source->kind->id, source->kind->callback, source, on_free);
  if (source->id < 0)
    source_unref(source);
  return source->id;
}

/* The connection may be lost, and deaf to this: libvirt forgets the callback all the same. */
static void end(gl_source *source)
{
  source->kind->family->end(source->conn, source->id, source, on_free);
}

/* Under the lock. */
static gl_source *find(virConnectPtr conn, const gl_event_kind *kind)
{
  gl_source *source = sources;
  while (source && (source->conn != conn || source->kind != kind))
    source = source->next;
  return source;
}

/* Under the lock: on the list, busy, and used once. NULL: no memory. */
static gl_source *source_new(virConnectPtr conn, const gl_event_kind *kind)
{
  gl_source *source = calloc(1, sizeof *source);
  if (!source)
    return NULL;
  atomic_init(&source->refs, 1);
  pthread_mutex_init(&source->feed.mutex, NULL);
  source->kind = kind;
  source->conn = conn;
  source->busy = true;
  source->users = 1;
  source->next = sources;
  sources = source;
  return source;
}

/* Under the lock; off the list. */
static void forget(gl_source *source)
{
  gl_source **p = &sources;
  while (*p != source)
    p = &(*p)->next;
  *p = source->next;
  pthread_cond_broadcast(&no_longer_busy);
}

/* The registered source, counted as used once more; NULL if libvirt refused. */
static gl_source *acquire(virConnectPtr conn, const gl_event_kind *kind)
{
  gl_source *source;
  pthread_mutex_lock(&lock);
  while ((source = find(conn, kind)) && source->busy)
    pthread_cond_wait(&no_longer_busy, &lock);
  if (source) {
    source->users++;
    pthread_mutex_unlock(&lock);
    return source;
  }
  source = source_new(conn, kind);
  pthread_mutex_unlock(&lock);
  if (!source)
    return NULL;
  bool refused = begin(source) < 0;
  if (!refused)
    virConnectRef(conn); /* else libvirt's error has to stay */
  pthread_mutex_lock(&lock);
  source->busy = false;
  if (refused)
    forget(source);
  pthread_cond_broadcast(&no_longer_busy);
  pthread_mutex_unlock(&lock);
  if (refused)
    source_unref(source);
  return refused ? NULL : source;
}

static void release(gl_source *source)
{
  pthread_mutex_lock(&lock);
  bool last = --source->users == 0;
  source->busy = last;
  pthread_mutex_unlock(&lock);
  if (!last)
    return;
  end(source);
  pthread_mutex_lock(&lock);
  forget(source);
  pthread_mutex_unlock(&lock);
  virConnectClose(source->conn);
  source_unref(source);
}

int gl_source_join(virConnectPtr conn, gl_registration *r)
{
  gl_source *source = acquire(conn, r->kind);
  if (!source)
    return -1;
  gl_source_leave(r);
  pthread_mutex_lock(&source->feed.mutex);
  r->source = source;
  r->other = source->feed.registrations;
  source->feed.registrations = r;
  pthread_mutex_unlock(&source->feed.mutex);
  return 0;
}

void gl_source_leave(gl_registration *r)
{
  gl_source *source = r->source;
  if (!source)
    return;
  pthread_mutex_lock(&source->feed.mutex);
  gl_registration **p = &source->feed.registrations;
  while (*p != r)
    p = &(*p)->other;
  *p = r->other;
  pthread_mutex_unlock(&source->feed.mutex);
  r->source = NULL;
  release(source);
}
