#define _GNU_SOURCE /* renameat2, SEEK_DATA */
#include "virt/object/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

/* How much is read and written at a time: as much as libvirt puts into a message. */
#define CHUNK (256 * 1024)

/* What recv gives at a hole. */
#define HOLE (-3)

void gl_transfer_stop(gl_op *op)
{
  atomic_store(&((gl_transfer *)op)->stopped, true);
}

void gl_transfer_release(gl_op *op)
{
  free(((gl_transfer *)op)->text);
}

void gl_transfer_progress(lua_State *L, const gl_op *op)
{
  gl_transfer *t = (gl_transfer *)op;
  unsigned long long total = atomic_load(&t->total);
  lua_createtable(L, 0, 2);
  lua_pushinteger(L, (lua_Integer)atomic_load(&t->done));
  lua_setfield(L, -2, "cur");
  if (total) {
    lua_pushinteger(L, (lua_Integer)total);
    lua_setfield(L, -2, "end");
  }
}

static int system_error(gl_transfer *t, const char *what, const char *path)
{
  char reason[128];
  snprintf(t->message, sizeof t->message, "cannot %s '%.300s': %s", what, path, strerror_r(errno, reason, sizeof reason));
  return gl_op_fail(&t->op, "system_error", t->message);
}

/* ---- the stream ---- */

/* Begins it, sparse if the driver can. NULL: it failed. */
static virStreamPtr begin(gl_transfer *t, gl_transfer_begin *call)
{
  for (;;) {
    bool sparse = !t->plain;
    virStreamPtr stream = virStreamNew(t->op.connect, 0);
    if (!stream || call(t, stream, sparse) == 0)
      return stream;
    t->op.error = virSaveLastError();
    virStreamFree(stream);
    int code = t->op.error ? t->op.error->code : VIR_ERR_NO_MEMORY;
    if (!sparse || (code != VIR_ERR_INVALID_ARG && code != VIR_ERR_NO_SUPPORT && code != VIR_ERR_ARGUMENT_UNSUPPORTED))
      return NULL;
    virFreeError(t->op.error);
    t->op.error = NULL;
    t->plain = true;
  }
}

/* Ends it: its own error counts if there was none before. */
static int end(gl_transfer *t, virStreamPtr stream, int rc)
{
  if (rc < 0 && !t->op.failed && !t->op.error)
    t->op.error = virSaveLastError();
  if (rc < 0) {
    virStreamAbort(stream);
  } else if (virStreamFinish(stream) < 0) {
    t->op.error = virSaveLastError();
    rc = -1;
  }
  virStreamFree(stream);
  return rc;
}

static int stopped(gl_transfer *t)
{
  return atomic_load(&t->stopped) ? gl_op_fail(&t->op, "cancelled", "nobody waits any more") : 0;
}

/* ---- receiving ---- */

static int receive_into(gl_transfer *t, virStreamPtr stream, int fd, char *buffer)
{
  for (;;) {
    if (stopped(t) < 0)
      return -1;
    int got = t->plain ? virStreamRecv(stream, buffer, CHUNK) : virStreamRecvFlags(stream, buffer, CHUNK, VIR_STREAM_RECV_STOP_AT_HOLE);
    long long hole = 0;
    if (got == 0)
      break;
    if (got == HOLE && virStreamRecvHole(stream, &hole, 0) < 0)
      return -1;
    if (got < 0 && got != HOLE)
      return -1;
    if (got == HOLE ? lseek(fd, hole, SEEK_CUR) < 0 : gl_file_write_all(fd, buffer, (size_t)got) < 0)
      return system_error(t, "write", t->path);
    atomic_fetch_add(&t->done, (unsigned long long)(got == HOLE ? hole : got));
  }
  off_t size = lseek(fd, 0, SEEK_CUR); /* a hole at the end was not written */
  if (size < 0 || ftruncate(fd, size) < 0 || fsync(fd) < 0)
    return system_error(t, "write", t->path);
  return 0;
}

/* From a file of another name beside it, so that the path has all of it or nothing. */
static int put_in_place(gl_transfer *t, const char *from)
{
  if (renameat2(AT_FDCWD, from, AT_FDCWD, t->path, t->overwrite ? 0 : RENAME_NOREPLACE) == 0)
    return 0;
  if (errno == EINVAL && !t->overwrite && link(from, t->path) == 0) { /* a file system that cannot do that */
    unlink(from);
    return 0;
  }
  return system_error(t, "write", t->path);
}

int gl_transfer_receive(gl_transfer *t, gl_transfer_begin *call)
{
  char part[PATH_MAX];
  if (!t->overwrite && faccessat(AT_FDCWD, t->path, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
    errno = EEXIST;
    return system_error(t, "write", t->path);
  }
  if (snprintf(part, sizeof part, "%s.XXXXXX", t->path) >= (int)sizeof part) {
    errno = ENAMETOOLONG;
    return system_error(t, "write", t->path);
  }
  int fd = mkostemp(part, O_CLOEXEC);
  if (fd < 0)
    return system_error(t, "make", part);
  char *buffer = malloc(CHUNK);
  virStreamPtr stream = buffer ? begin(t, call) : NULL;
  int rc = stream ? end(t, stream, receive_into(t, stream, fd, buffer)) : -1;
  if (!buffer)
    gl_op_fail(&t->op, "no_memory", "out of memory");
  free(buffer);
  if (close(fd) < 0 && rc == 0)
    rc = system_error(t, "write", t->path);
  if (rc == 0)
    rc = put_in_place(t, part);
  if (rc < 0)
    unlink(part);
  return rc;
}

/* ---- sending ---- */

/* Where the data at `at` ends, or the hole: up to `size`. */
static bool is_hole(int fd, off_t at, off_t size, off_t *until)
{
  off_t data = lseek(fd, at, SEEK_DATA);
  if (data == at || (data < 0 && errno != ENXIO)) {
    off_t hole = lseek(fd, at, SEEK_HOLE);
    *until = hole > at && hole < size ? hole : size;
    return false;
  }
  *until = data < 0 || data > size ? size : data;
  return true;
}

static int send_data(gl_transfer *t, virStreamPtr stream, int fd, char *buffer, off_t at, off_t until)
{
  while (at < until) {
    if (stopped(t) < 0)
      return -1;
    ssize_t got = pread(fd, buffer, until - at < CHUNK ? (size_t)(until - at) : CHUNK, at);
    if (got < 0)
      return system_error(t, "read", t->path);
    if (got == 0)
      return gl_op_fail(&t->op, "system_error", "the file became shorter while it was read");
    for (ssize_t sent = 0; sent < got;) {
      int n = virStreamSend(stream, buffer + sent, (size_t)(got - sent));
      if (n < 0)
        return -1;
      sent += n;
    }
    atomic_fetch_add(&t->done, (unsigned long long)got);
    at += got;
  }
  return 0;
}

static int send_from(gl_transfer *t, virStreamPtr stream, bool sparse, int fd, char *buffer)
{
  struct stat st;
  if (fstat(fd, &st) < 0)
    return system_error(t, "read", t->path);
  off_t size = t->length > 0 && t->length < st.st_size ? (off_t)t->length : st.st_size;
  atomic_store(&t->total, (unsigned long long)size);
  for (off_t at = 0, until = size; at < size; at = until) {
    until = size;
    if (sparse && is_hole(fd, at, size, &until)) {
      if (stopped(t) < 0 || virStreamSendHole(stream, until - at, 0) < 0)
        return -1;
      atomic_fetch_add(&t->done, (unsigned long long)(until - at));
    } else if (send_data(t, stream, fd, buffer, at, until) < 0) {
      return -1;
    }
  }
  return 0;
}

int gl_transfer_send(gl_transfer *t, gl_transfer_begin *call)
{
  int fd = open(t->path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return system_error(t, "read", t->path);
  char *buffer = malloc(CHUNK);
  virStreamPtr stream = buffer ? begin(t, call) : NULL;
  int rc = stream ? end(t, stream, send_from(t, stream, !t->plain, fd, buffer)) : -1;
  if (!buffer)
    gl_op_fail(&t->op, "no_memory", "out of memory");
  free(buffer);
  close(fd);
  return rc;
}
