/*
 * Bytes to and from libvirt, in both directions, for as long as somebody wants them: a console, a channel.
 *
 * libvirt's event thread receives what comes and keeps it here until Lua reads it, as libvirt would otherwise keep all of it in its own
 * memory. What comes when the room is full takes the place of the oldest bytes, which are counted. A worker sends.
 */
#ifndef GL_STREAM_H
#define GL_STREAM_H

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <uv.h>

#include "call/handle.h"
#include "loop/wait.h"

/* The most bytes that wait to be read. */
#define GL_STREAM_ROOM (1 << 20)

typedef struct gl_stream {
  virStreamPtr stream;
  bool remote;           /* a daemon's */
  atomic_int refs;       /* the handle's, libvirt's callback's, and libuv's */
  bool calls_back;       /* libvirt has taken the callback */
  atomic_bool forgotten; /* and let go of it */

  pthread_mutex_t mutex;
  pthread_cond_t changed;
  /* From here on under the mutex. */
  char *bytes; /* a ring */
  size_t room, start, count;
  long long lost;     /* bytes that were dropped in front of these */
  bool ended;         /* nothing more will come */
  virErrorPtr error;  /* why; NULL: the other side ended it */
  bool wants_to_send; /* the worker waits until libvirt takes more */
  bool closed;        /* Lua is done with it */
  bool wakes;         /* `wakeup` may be sent */

  /* Lua thread. */
  uv_async_t wakeup;
  gl_waitlist waiters;
} gl_stream;

extern const gl_handle_type gl_stream_handle;

/* For run. NULL: no memory, or libvirt's error says why. */
gl_stream *gl_stream_new(virConnectPtr conn, bool remote);

/* For run: the stream is open at libvirt: bytes come. Negative: libvirt's error says why. */
int gl_stream_begin(gl_stream *s);

/* Any thread: the end of a stream that no handle has taken over. */
void gl_stream_end(gl_stream *s);

/* Lua thread: from now on waiters are woken; no longer, and a send under way ends. Negative: libuv refused. */
int gl_stream_attach(gl_stream *s, uv_loop_t *loop);
void gl_stream_detach(gl_stream *s);

/* Any thread, under the mutex: moves up to `most` bytes to `to`, and gives their number; puts bytes back in front, the last of them
 * if there is no longer room for all; false: more than a stream keeps. */
size_t gl_stream_take(gl_stream *s, char *to, size_t most);
bool gl_stream_put_back(gl_stream *s, const char *bytes, size_t count);

/* Any thread: whether nothing is there to be read now. */
bool gl_stream_is_empty(gl_stream *s);

/* One send. */
typedef struct gl_sending {
  const char *bytes;
  size_t count, sent;
  bool never_waits; /* this may be the thread that runs libvirt's loop */
  bool stopped;     /* nobody waits for it any more: under the stream's mutex */
} gl_sending;

/* Worker: sends all of it. Negative: libvirt's error says why, if there is one; or else the stream ended, or it could not go on. */
int gl_stream_send(gl_stream *s, gl_sending *sending);

#endif
