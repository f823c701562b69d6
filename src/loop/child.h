/*
 * A program that runs on this host. Its end is seen by a descriptor of its own (a pidfd): the disposition of SIGCHLD is the embedding
 * program's, and libuv's uv_spawn would take it from it, for good.
 */
#ifndef GL_CHILD_H
#define GL_CHILD_H

#include <stdbool.h>
#include <uv.h>

typedef struct gl_child gl_child;
struct gl_child {
  uv_poll_t poll; /* its data is the owner's */
  int pid;        /* 0: it was not started */
  bool exited;
  int code, signo; /* once it has exited; signo 0: no signal has ended it; code -1: somebody else has collected it */
  void (*on_exit)(gl_child *c);
};

typedef struct gl_child_options {
  const char *file; /* the program: without a slash in it PATH is searched, that of env; NULL: the first of args */
  char **args;
  char **env;      /* NULL: that of this process */
  const char *cwd; /* NULL: that of this process */
  const int *fds;  /* which descriptors it has, from 0 up; -1: /dev/null */
  int fd_count;
} gl_child_options;

/* Starts it, as the leader of a session of its own, on which the owner's on_exit is called by the loop. 0, or libuv's error, and then
 * nothing is left of it. */
int gl_child_start(uv_loop_t *loop, gl_child *c, const gl_child_options *options);

/* Ends it and waits for that: on_exit is not called any more. For one that was not started or has exited, nothing. */
void gl_child_kill(gl_child *c);

/* Lets go of one that was started and has exited or was killed: on_closed gets its `poll`. */
void gl_child_close(gl_child *c, uv_close_cb on_closed);

#endif
