#include "virt/stream/stream.h"

#include <stdlib.h>
#include <string.h>

/* How much is received and sent at a time, and how often before other streams have their turn. */
#define CHUNK (32 * 1024)
#define ROUNDS 16

/* What recv and send give if they would have to wait. */
#define WOULD_WAIT (-2)

#define RECEIVES (VIR_STREAM_EVENT_READABLE | VIR_STREAM_EVENT_HANGUP | VIR_STREAM_EVENT_ERROR)

static void stream_unref(gl_stream *s)
{
  if (atomic_fetch_sub(&s->refs, 1) > 1)
    return;
  virFreeError(s->error);
  free(s->bytes);
  pthread_cond_destroy(&s->changed);
  pthread_mutex_destroy(&s->mutex);
  free(s);
}

/* libvirt calls back no more. Any thread. */
static void forget(gl_stream *s)
{
  if (!atomic_exchange(&s->forgotten, true))
    stream_unref(s);
}

/* libvirt's freecb: any thread. */
static void on_free(void *opaque)
{
  forget(opaque);
}

/* libvirt's event thread, on which a daemon's streams call back: none is under way. */
static void on_turn(int timer, void *opaque)
{
  forget(opaque);
  virEventRemoveTimeout(timer);
}

static void on_turn_free(void *opaque)
{
  stream_unref(opaque);
}

/* Any thread. With no memory the stream is never freed. */
static void forget_later(gl_stream *s)
{
  atomic_fetch_add(&s->refs, 1);
  if (virEventAddTimeout(0, on_turn, s, on_turn_free) < 0)
    stream_unref(s);
}

gl_stream *gl_stream_new(virConnectPtr conn, bool remote)
{
  gl_stream *s = calloc(1, sizeof *s);
  if (!s)
    return NULL;
  s->stream = virStreamNew(conn, VIR_STREAM_NONBLOCK);
  if (!s->stream) {
    free(s);
    return NULL;
  }
  s->remote = remote;
  atomic_init(&s->refs, 1);
  pthread_mutex_init(&s->mutex, NULL);
  pthread_cond_init(&s->changed, NULL);
  TAILQ_INIT(&s->waiters);
  return s;
}

/* Under the mutex, which nobody takes while holding a lock of libvirt's: asks libvirt to call back for what is wanted now. */
static void update_events(gl_stream *s)
{
  virStreamEventUpdateCallback(s->stream, (s->ended ? 0 : RECEIVES) | (s->wants_to_send ? VIR_STREAM_EVENT_WRITABLE : 0));
}

/* ---- the ring: under the mutex ---- */

/* Makes it at least that large, if it may be. */
static void grow(gl_stream *s, size_t wanted)
{
  size_t room = s->room ? s->room : 4096;
  while (room < wanted && room < GL_STREAM_ROOM)
    room *= 2;
  char *bytes = room > s->room ? malloc(room) : NULL;
  if (!bytes)
    return;
  size_t count = gl_stream_take(s, bytes, s->count);
  free(s->bytes);
  s->bytes = bytes;
  s->room = room;
  s->start = 0;
  s->count = count;
}

size_t gl_stream_take(gl_stream *s, char *to, size_t most)
{
  size_t count = most < s->count ? most : s->count;
  size_t first = count < s->room - s->start ? count : s->room - s->start;
  if (count == 0)
    return 0;
  memcpy(to, s->bytes + s->start, first);
  memcpy(to + first, s->bytes, count - first);
  s->start = (s->start + count) % s->room;
  s->count -= count;
  return count;
}

static void keep(gl_stream *s, const char *bytes, size_t count)
{
  grow(s, s->count + count);
  size_t over = count > s->room ? count - s->room : 0; /* it never is, but for want of memory */
  bytes += over;
  count -= over;
  size_t drop = s->count + count > s->room ? s->count + count - s->room : 0;
  s->lost += (long long)(drop + over);
  if (count == 0)
    return;
  s->start = (s->start + drop) % s->room;
  s->count -= drop;
  size_t end = (s->start + s->count) % s->room;
  size_t first = count < s->room - end ? count : s->room - end;
  memcpy(s->bytes + end, bytes, first);
  memcpy(s->bytes, bytes + first, count - first);
  s->count += count;
}

bool gl_stream_put_back(gl_stream *s, const char *bytes, size_t count)
{
  if (count > GL_STREAM_ROOM)
    return false;
  grow(s, s->count + count);
  size_t over = count > s->room - s->count ? count - (s->room - s->count) : 0; /* what came meanwhile is newer */
  s->lost += (long long)over;
  bytes += over;
  count -= over;
  if (count == 0)
    return true;
  s->start = (s->start + s->room - count) % s->room;
  size_t first = count < s->room - s->start ? count : s->room - s->start;
  memcpy(s->bytes + s->start, bytes, first);
  memcpy(s->bytes, bytes + first, count - first);
  s->count += count;
  return true;
}

bool gl_stream_is_empty(gl_stream *s)
{
  pthread_mutex_lock(&s->mutex);
  bool empty = s->count == 0;
  pthread_mutex_unlock(&s->mutex);
  return empty;
}

/* ---- libvirt's event thread ---- */

/* Under the mutex. error: why, NULL: the other side ended it. */
static void set_ended(gl_stream *s, virErrorPtr error)
{
  s->ended = true;
  s->error = error;
  update_events(s);
  pthread_cond_broadcast(&s->changed);
}

/* Returns whether more may come. is_last: libvirt calls no more, and what would have to be waited for never comes. */
static bool receive(gl_stream *s, char *buffer, bool is_last)
{
  int got = virStreamRecv(s->stream, buffer, CHUNK);
  if (got == WOULD_WAIT && !is_last)
    return false;
  virErrorPtr error = got == -1 ? virSaveLastError() : NULL;
  pthread_mutex_lock(&s->mutex);
  if (got > 0)
    keep(s, buffer, (size_t)got);
  else if (!s->ended)
    set_ended(s, error);
  else
    virFreeError(error);
  pthread_mutex_unlock(&s->mutex);
  return got > 0;
}

/* Also on the thread of who takes a console away, or ends the guest, in this process. */
static void on_event(virStreamPtr stream, int events, void *opaque)
{
  (void)stream;
  gl_stream *s = opaque;
  char buffer[CHUNK];
  bool is_last = events & (VIR_STREAM_EVENT_HANGUP | VIR_STREAM_EVENT_ERROR);
  pthread_mutex_lock(&s->mutex);
  bool receives = events & RECEIVES && !s->ended;
  pthread_mutex_unlock(&s->mutex);
  for (int round = 0; receives && (is_last || round < ROUNDS); round++)
    receives = receive(s, buffer, is_last);
  pthread_mutex_lock(&s->mutex);
  if (events & VIR_STREAM_EVENT_WRITABLE) {
    s->wants_to_send = false;
    update_events(s);
    pthread_cond_broadcast(&s->changed);
  }
  if (s->wakes)
    uv_async_send(&s->wakeup);
  pthread_mutex_unlock(&s->mutex);
}

/* ---- begin and end ---- */

int gl_stream_begin(gl_stream *s)
{
  atomic_fetch_add(&s->refs, 1);
  int rc = virStreamEventAddCallback(s->stream, RECEIVES, on_event, s, on_free);
  if (rc < 0)
    stream_unref(s);
  s->calls_back = rc == 0;
  return rc;
}

void gl_stream_end(gl_stream *s)
{
  /* This calls on_free, except for a console that was taken away, as libvirt has forgotten its callback, and for a daemon's stream. */
  bool removed = virStreamEventRemoveCallback(s->stream) == 0;
  if (s->calls_back && !removed)
    forget(s);
  else if (s->calls_back && s->remote)
    forget_later(s);
  pthread_mutex_lock(&s->mutex);
  bool finished = s->ended && !s->error;
  pthread_mutex_unlock(&s->mutex);
  if (finished)
    virStreamFinish(s->stream);
  else
    virStreamAbort(s->stream);
  virStreamFree(s->stream);
  stream_unref(s);
}

static void free_handle(void *ptr)
{
  gl_stream_end(ptr);
}
const gl_handle_type gl_stream_handle = {.what = "stream", .free = free_handle};

static void on_wakeup(uv_async_t *wakeup)
{
  gl_waitlist_wake(&((gl_stream *)wakeup->data)->waiters, -1);
}

static void on_wakeup_closed(uv_handle_t *wakeup)
{
  stream_unref(wakeup->data);
}

int gl_stream_attach(gl_stream *s, uv_loop_t *loop)
{
  s->wakeup.data = s;
  int rc = uv_async_init(loop, &s->wakeup, on_wakeup);
  if (rc < 0)
    return rc;
  atomic_fetch_add(&s->refs, 1);
  pthread_mutex_lock(&s->mutex);
  s->wakes = true;
  pthread_mutex_unlock(&s->mutex);
  return 0;
}

void gl_stream_detach(gl_stream *s)
{
  pthread_mutex_lock(&s->mutex);
  s->wakes = false;
  s->closed = true;
  pthread_cond_broadcast(&s->changed);
  pthread_mutex_unlock(&s->mutex);
  gl_waitlist_wake(&s->waiters, -1); /* they will find it closed */
  uv_close((uv_handle_t *)&s->wakeup, on_wakeup_closed);
}

/* ---- sending ---- */

/* Whether the send may go on, after a wait if libvirt takes no more now. */
static bool may_send(gl_stream *s, const gl_sending *sending, bool is_full)
{
  if (is_full && sending->never_waits)
    return false;
  pthread_mutex_lock(&s->mutex);
  if (is_full) {
    s->wants_to_send = true;
    update_events(s);
  }
  while (s->wants_to_send && !s->closed && !sending->stopped && !s->ended)
    pthread_cond_wait(&s->changed, &s->mutex);
  bool goes_on = !s->closed && !sending->stopped && !s->ended;
  pthread_mutex_unlock(&s->mutex);
  return goes_on;
}

int gl_stream_send(gl_stream *s, gl_sending *sending)
{
  bool is_full = false;
  while (sending->sent < sending->count) {
    if (!may_send(s, sending, is_full))
      return -1;
    size_t left = sending->count - sending->sent;
    int n = virStreamSend(s->stream, sending->bytes + sending->sent, left < CHUNK ? left : CHUNK);
    if (n == -1)
      return -1;
    is_full = n == WOULD_WAIT;
    sending->sent += is_full ? 0 : (size_t)n;
  }
  return 0;
}
