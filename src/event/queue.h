/*
 * libvirt's event thread -> queue -> the Lua thread.
 *
 * libvirt's callbacks copy their arguments into a gl_event, put that into the state's gl_queue and wake the Lua thread, which sorts the
 * events by subscription. A subscription is counted: one for its object, one for each event under way. libvirt has one callback for each
 * kind of event of a virConnectPtr in the whole process: a source (source.h), which all states with that connection share through their
 * registrations.
 */
#ifndef GL_QUEUE_H
#define GL_QUEUE_H

#include <libvirt/libvirt.h>
#include <lua.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "call/connection.h"

typedef struct gl_event gl_event;
typedef struct gl_event_kind gl_event_kind;
typedef struct gl_member gl_member;
typedef struct gl_source gl_source;
typedef struct gl_sub gl_sub;

#define GL_EVENT_NUMBERS 3
#define GL_EVENT_TEXTS 5

/* What an event is about. */
typedef struct gl_event_object {
  const char *type; /* what people call it: "network"; NULL: a guest */
  const char *name;
  bool has_uuid; /* or else the name identifies it */
  unsigned char uuid[VIR_UUID_BUFLEN];
  const char *qemu_event; /* the event's name in QEMU's monitor; NULL: it is none of that */
} gl_event_object;

typedef struct gl_event_data {
  long long numbers[GL_EVENT_NUMBERS];
  const char *texts[GL_EVENT_TEXTS];
  virTypedParameterPtr params;
  int params_count;
} gl_event_data;

/* The registrations that one of libvirt's callbacks feeds: the head of a source, and the callback's opaque. */
typedef struct gl_feed {
  pthread_mutex_t mutex;
  gl_registration *registrations; /* under the mutex */
} gl_feed;

/* One kind of event of one Host, for its subscriptions. */
struct gl_registration {
  gl_registration *next;  /* of the host */
  gl_registration *other; /* of the source */
  const gl_event_kind *kind;
  gl_source *source; /* NULL: libvirt knows of no such event */
  gl_queue *queue;   /* counted */
  atomic_int refs;   /* the host's and its members' */
  pthread_mutex_t mutex;
  LIST_HEAD(, gl_member) members; /* the subscriptions to it; under the mutex */
};

/* The link of a subscription to a registration. */
struct gl_member {
  LIST_ENTRY(gl_member) entry; /* of the registration */
  gl_sub *sub;
  gl_registration *registration; /* counted */
};

struct gl_sub {
  atomic_int refs; /* the Lua thread's, and one for each event under way */
  atomic_int pending, lost;
  bool of_one; /* object, and not of all; that has its name and UUID here: */
  const char *name;
  unsigned char uuid[VIR_UUID_BUFLEN];
  const char *qemu_event; /* of QEMU's monitor only this one, whatever case its letters have; NULL: all */

  /* Lua thread only. */
  bool closed;
  gl_event *first, **last;
  gl_waitlist waiters;

  int count;
  gl_member members[]; /* count of them, on their registrations' lists until sub_close */
};

struct gl_event {
  gl_event *next;
  gl_sub *sub; /* counted */
  const gl_event_kind *kind;
  gl_event_data data;
  int lost;               /* events dropped before this one */
  gl_event_object object; /* its name is owned; NULL: the event is the connection's */
};

/* Makes the queue of the state, which lasts until the state closes: later callbacks drop their events. [-0, +0, e] */
void gl_event_open(lua_State *L, gl_state *s);

gl_queue *gl_queue_ref(gl_queue *q);

/* Event thread: copies the data for each subscription of the feed that it concerns; object NULL: the event is the connection's. Or for one
 * subscription of a registration, under its mutex: neither can go away meanwhile. The event may be of a kind that is not the
 * registration's. */
void gl_event_deliver(void *feed, const gl_event_object *object, const gl_event_data *data);
void gl_event_deliver_to(gl_member *m, const gl_event_kind *kind, const gl_event_object *object, const gl_event_data *data);

/* Any thread. */
void gl_registration_unref(gl_registration *r);
void gl_sub_unref(gl_sub *sub);
void gl_event_free(gl_event *e);
void gl_events_free(gl_event *e); /* a list of them */

#endif
