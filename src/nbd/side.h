/* One side of a copy: a connection to an NBD server, and the turns that both sides take on the copy's own thread. */
#ifndef GL_NBD_SIDE_H
#define GL_NBD_SIDE_H

#include <libnbd.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What a copy failed with first: a kind of error, and a text. */
typedef struct gl_nbd_failure {
  const char *kind; /* NULL: it did not */
  char text[512];
} gl_nbd_failure;

/* Only the first one counts. Gives false. */
bool gl_nbd_fail(gl_nbd_failure *f, const char *kind, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same with what libnbd says. */
bool gl_nbd_fail_nbd(gl_nbd_failure *f, const char *what);

typedef struct gl_nbd_side {
  const char *uri;    /* where the server listens, or */
  char **command;     /* the program that becomes one: it gets a socket as systemd gives it */
  const char *name;   /* for people: "the source" */
  const char *bitmap; /* a meta context besides base:allocation; NULL: none */
  struct nbd_handle *nbd;
  int left; /* requests of gl_nbd_disconnect that are under way */
} gl_nbd_side;

#define GL_NBD_SIDES 2

typedef struct gl_nbd_pair {
  gl_nbd_side sides[GL_NBD_SIDES]; /* from, to: one without uri and command is not there */
  gl_nbd_failure failure;
  atomic_bool cancelled;
} gl_nbd_pair;

/* Connects what is there. False: failure. */
bool gl_nbd_connect(gl_nbd_pair *p);

/* Waits at most `ms` until something happens on either side, and lets libnbd deal with it. False: failure. */
bool gl_nbd_turn(gl_nbd_pair *p, int ms);

/* Turns until *left is 0. False: failure. */
bool gl_nbd_turn_until(gl_nbd_pair *p, const int *left);

/* Ends both connections; after success the servers have written everything, and programs that were started have ended. False: failure. */
bool gl_nbd_disconnect(gl_nbd_pair *p);

#endif
