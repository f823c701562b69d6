/*
 * libvirt's event thread -> queue -> the Lua thread.
 *
 * libvirt's callbacks copy what they got into a gl_event, put that into the state's gl_queue and wake the Lua thread, which sorts the
 * events by subscription. A subscription is counted: one for its object, one for each event under way. libvirt has one callback for each
 * kind of event of a virConnectPtr, whoever uses that in the process: a source (source.h), to which the registrations of all states belong
 * that have the connection.
 */
#ifndef GL_QUEUE_H
#define GL_QUEUE_H

#include <libvirt/libvirt.h>
#include <lua.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "call/connection.h"

typedef struct gl_event gl_event;
typedef struct gl_event_field gl_event_field;
typedef struct gl_event_kind gl_event_kind;
typedef struct gl_member gl_member;
typedef struct gl_source gl_source;
typedef struct gl_sub gl_sub;

#define GL_EVENT_NUMBERS 3
#define GL_EVENT_TEXTS 5

typedef struct gl_event_data {
  long long numbers[GL_EVENT_NUMBERS];
  const char *texts[GL_EVENT_TEXTS];
  virTypedParameterPtr params;
  int params_count;
} gl_event_data;

/* What libvirt calls, and what the event has: kind.c. */
struct gl_event_kind {
  int id;
  virConnectDomainEventGenericCallback callback; /* its opaque is what gl_event_deliver gets */
  const gl_event_field *fields;
};

/* That the subscriptions of one Host hear of one kind of event. */
struct gl_registration {
  gl_registration *next;  /* of the host */
  gl_registration *other; /* of the source */
  const gl_event_kind *kind;
  gl_source *source; /* NULL: libvirt knows of no such event */
  atomic_int refs;   /* the host's and its members' */
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

/* Makes the queue of the state, which lasts until the state closes: later callbacks drop what they bring. [-0, +0, e] */
void gl_event_open(lua_State *L, gl_state *s);

gl_queue *gl_queue_ref(gl_queue *q);

/* Event thread: copies the data for each subscription to the registration that it concerns; dom NULL: the connection tells it. Or for one
 * subscription, under the registration's mutex: it cannot go away meanwhile. */
void gl_event_deliver_all(gl_registration *r, virDomainPtr dom, const gl_event_data *data);
void gl_event_deliver_to(gl_sub *sub, const gl_event_kind *kind, const char *guest, const char *uuid, const gl_event_data *data);

/* Any thread. */
void gl_registration_unref(gl_registration *r);
void gl_sub_unref(gl_sub *sub);
void gl_event_free(gl_event *e);
void gl_events_free(gl_event *e); /* a list of them */

#endif
