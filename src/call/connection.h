/* A connection, shared by its Host object and by every op on it. Counted and used on the Lua thread, unless a field says otherwise. */
#ifndef GL_CONNECTION_H
#define GL_CONNECTION_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "call/credentials.h"
#include "call/handle.h"
#include "loop/work.h"

typedef struct gl_op gl_op;
typedef struct gl_object gl_object;
typedef struct gl_registration gl_registration;

typedef struct gl_connection {
  gl_state *state;
  gl_handle *handle; /* of the virConnectPtr; NULL once closed */
  char *uri;         /* as libvirt completed it; never changes once it is set */
  bool readonly;
  bool handed_over;            /* opened by the embedding program */
  int keepalive;               /* seconds between keepalive probes; 0: none */
  gl_credentials *credentials; /* the answers that opened it; NULL: none */
  double gap;                  /* seconds without a connection before this one */
  bool remote;                 /* a daemon answers */
  int calls, nudges;           /* given to workers: those of ops, and those of nudge.c */
  int refs;
  gl_object *children; /* open guests and subscriptions */
  gl_gate gate;        /* of its calls: flight.c */

  /* Any thread, under the mutex: event/registration.c */
  pthread_mutex_t mutex;
  gl_registration *registrations;
  bool closing; /* no more registrations */

  atomic_uint unsupported; /* a bit for each call that its driver has turned out not to support: GL_UNSUPPORTED_… Any thread. */
} gl_connection;

enum { GL_UNSUPPORTED_JOB_STATS = 1 };

gl_connection *gl_connection_new(gl_state *s); /* NULL: no memory */
static inline gl_connection *gl_connection_ref(gl_connection *c)
{
  c->refs++;
  return c;
}
void gl_connection_free(gl_connection *c);
static inline void gl_connection_unref(gl_connection *c)
{
  if (--c->refs == 0)
    gl_connection_free(c);
}

/* The virConnectPtr, NULL once closed. */
virConnectPtr gl_connection_ptr(const gl_connection *c);

#endif
