/* Bytes between libvirt and a file of this machine, as a whole: a call that reads or writes a stream of libvirt's on a worker. */
#ifndef GL_OBJECT_TRANSFER_H
#define GL_OBJECT_TRANSFER_H

#include <stdatomic.h>

#include "call/op.h"

typedef struct gl_transfer {
  gl_op op;
  const char *path;
  long long offset, length;
  int plain, overwrite; /* options */
  char *text;           /* what the call says of the bytes; may be NULL */

  atomic_ullong done, total; /* bytes, holes too; a total of 0 is not known */
  atomic_bool stopped;       /* nobody waits any more: set on the Lua thread, seen by the worker */
  char message[512];         /* op.why */
} gl_transfer;

/* `begin` of both: starts the stream; negative: libvirt's error says why. flags: of the call. */
typedef int gl_transfer_begin(gl_transfer *t, virStreamPtr stream, bool sparse);

/* For run: from libvirt to a new file, which is whole or not there; from a file to libvirt. */
int gl_transfer_receive(gl_transfer *t, gl_transfer_begin *begin);
int gl_transfer_send(gl_transfer *t, gl_transfer_begin *begin);

/* For parameters: GL_TRANSFER_PROGRESS goes with the row's `progress`. */
#define GL_TRANSFER_PROGRESS                                                                              \
  {                                                                                                       \
    .name = "on_progress", .kind = &gl_function,                                                          \
    .help = "called each half second with {cur=, [\"end\"]=}, in bytes; an error in it ends the transfer" \
  }
void gl_transfer_progress(lua_State *L, const gl_op *op);

/* A row's `stop` and `release`. */
void gl_transfer_stop(gl_op *op);
void gl_transfer_release(gl_op *op);

#endif
