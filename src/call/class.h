/*
 * Classes: metatables, checked userdata, what is closed, and who is closed with whom.
 *
 * Every userdata starts with a gl_object. Guests and subscriptions are on their host's list, so that closing the host closes them first.
 */
#ifndef GL_CLASS_H
#define GL_CLASS_H

#include <libvirt/libvirt.h>
#include <lua.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "loop/state.h"

typedef struct gl_op gl_op;
typedef struct gl_opdef gl_opdef;
typedef struct gl_class gl_class;
typedef struct gl_object gl_object;

typedef struct gl_registration gl_registration;
typedef TAILQ_HEAD(gl_op_list, gl_op) gl_op_list;

/* A connection, shared by its Host userdata and by every op on it. Counted on the Lua thread, and used there, but for what says otherwise.
 */
typedef struct gl_host {
  gl_state *state;
  virConnectPtr conn; /* NULL once closed */
  char *uri;
  bool readonly;
  bool handed;   /* over by the program, which opened it */
  int keepalive; /* seconds between questions whether the daemon lives; 0: none */
  double gap;    /* how many seconds the connection was lost before this one */
  int refs;
  gl_object *children; /* open guests and subscriptions */
  gl_op_list running;  /* ops on a worker now */
  int in_flight;       /* how many */
  gl_op_list queue;    /* ops that wait for one of those to return */

  /* Any thread, under the mutex: event.c */
  pthread_mutex_t mutex;
  gl_registration *registrations;
  bool closing; /* no more registrations */

  atomic_bool no_job_stats; /* the driver does not know virDomainGetJobStats. Any thread. */
} gl_host;

struct gl_object {
  const gl_class *class;
  gl_host *host;           /* counted */
  gl_object *next, **link; /* on host->children */
  bool closed;
};

struct gl_class {
  const char *name; /* "Guest" */
  const char *help;
  const gl_opdef *const *const *ops;                      /* tables of its methods, one a file; each table and the list end with NULL */
  const gl_opdef *const *fields;                          /* ops without arguments that read as fields; may be NULL */
  void (*bind)(lua_State *L, gl_object *self, gl_op *op); /* fills in what the op works on; may raise "closed" */
  void (*close)(gl_object *self);                         /* lets go of everything and never blocks; may be NULL */
  int (*tostring)(lua_State *L);
  bool outlives;                 /* what it is a handle of goes on without it: it is not for to-be-closed variables */
  lua_CFunction index, newindex; /* for keys that are no method and no field: self, key [, value]; may be NULL */
};

/* Makes the class known and pushes its table of methods, which Lua code may add to. [-0, +1, e] */
void gl_class_open(lua_State *L, const gl_class *class);

/* Pushes the function that calls an operation of the class (NULL: of none). [-0, +1, m] */
void gl_op_push(lua_State *L, const gl_opdef *def, const gl_class *class);

/* Pushes a new object of the class, still closed. user_values: how many Lua values it keeps alive. [-0, +1, e] */
void *gl_object_new(lua_State *L, const gl_class *class, size_t size, int user_values);

/* Opens it as a child of the host: from here on its class's close is owed. Raises "closed" where the host was closed meanwhile. [-0, +0, v]
 */
void gl_object_adopt(lua_State *L, gl_object *o, gl_host *host);

/* The object at index, open or not, or NULL. [-0, +0, -] */
gl_object *gl_object_test(lua_State *L, int index, const gl_class *class);

/* The open object at index; raises "bad_argument" or "closed". [-0, +0, v] */
void *gl_object_check(lua_State *L, int index, const gl_class *class, const char *method);

/* Closes it once: its class's close, and its place on the host's list. */
void gl_object_close(gl_object *o);

/* The invoke of a method "close". */
int gl_object_close_method(lua_State *L);

gl_host *gl_host_new(gl_state *s); /* NULL: no memory */
gl_host *gl_host_ref(gl_host *h);
void gl_host_unref(gl_host *h);

#endif
