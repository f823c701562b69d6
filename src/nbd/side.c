#ifdef GL_NBD
#include "nbd/side.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* How often it is looked whether the copy is cancelled. */
#define LOOK_MS 50

bool gl_nbd_fail(gl_nbd_failure *f, const char *kind, const char *format, ...)
{
  if (f->kind)
    return false;
  f->kind = kind;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(f->text, sizeof f->text, format, arguments);
  va_end(arguments);
  return false;
}

bool gl_nbd_fail_nbd(gl_nbd_failure *f, const char *what)
{
  const char *why = nbd_get_error();
  return gl_nbd_fail(f, nbd_get_errno() == ENOSPC ? "no_space" : "nbd_error", "%s: %s", what, why ? why : "the connection ended");
}

static bool is_there(const gl_nbd_side *side)
{
  return side->uri || side->command;
}

/* What poll is to wait for. */
static short events_of(struct nbd_handle *nbd)
{
  switch (nbd_aio_get_direction(nbd)) {
  case LIBNBD_AIO_DIRECTION_READ:
    return POLLIN;
  case LIBNBD_AIO_DIRECTION_WRITE:
    return POLLOUT;
  case LIBNBD_AIO_DIRECTION_BOTH:
    return POLLIN | POLLOUT;
  default:
    return 0;
  }
}

/* Hands on what poll saw. Errors of the connection are found by reading. */
static int notify(struct nbd_handle *nbd, short seen)
{
  short wanted = events_of(nbd);
  if ((wanted & POLLIN) && (seen & (POLLIN | POLLHUP | POLLERR)))
    return nbd_aio_notify_read(nbd);
  if ((wanted & POLLOUT) && (seen & (POLLOUT | POLLHUP | POLLERR)))
    return nbd_aio_notify_write(nbd);
  return 0;
}

bool gl_nbd_turn(gl_nbd_pair *p, int ms)
{
  struct pollfd fds[GL_NBD_SIDES];
  gl_nbd_side *sides[GL_NBD_SIDES];
  nfds_t count = 0;
  if (p->failure.kind)
    return false;
  if (atomic_load(&p->cancelled))
    return gl_nbd_fail(&p->failure, "cancelled", "the copy was cancelled");
  for (int i = 0; i < GL_NBD_SIDES; i++)
    if (p->sides[i].nbd) {
      sides[count] = &p->sides[i];
      fds[count++] = (struct pollfd){.fd = nbd_aio_get_fd(p->sides[i].nbd), .events = events_of(p->sides[i].nbd)};
    }
  if (poll(fds, count, ms < 0 || ms > LOOK_MS ? LOOK_MS : ms) < 0 && errno != EINTR)
    return gl_nbd_fail(&p->failure, "system_error", "poll: %s", strerror(errno));
  for (nfds_t i = 0; i < count; i++)
    if ((fds[i].revents && notify(sides[i]->nbd, fds[i].revents) < 0) || nbd_aio_is_dead(sides[i]->nbd) || nbd_aio_is_closed(sides[i]->nbd))
      gl_nbd_fail_nbd(&p->failure, sides[i]->name);
  return !p->failure.kind;
}

bool gl_nbd_turn_until(gl_nbd_pair *p, const int *left)
{
  while (*left > 0)
    if (!gl_nbd_turn(p, LOOK_MS))
      return false;
  return true;
}

static bool connect_side(gl_nbd_pair *p, gl_nbd_side *side)
{
  side->nbd = nbd_create();
  if (!side->nbd || nbd_add_meta_context(side->nbd, LIBNBD_CONTEXT_BASE_ALLOCATION) < 0 ||
      (side->bitmap && nbd_add_meta_context(side->nbd, side->bitmap) < 0) ||
      (side->uri ? nbd_aio_connect_uri(side->nbd, side->uri) : nbd_aio_connect_systemd_socket_activation(side->nbd, side->command)) < 0)
    return gl_nbd_fail_nbd(&p->failure, side->name);
  while (nbd_aio_is_connecting(side->nbd))
    if (!gl_nbd_turn(p, LOOK_MS))
      return false;
  if (!nbd_aio_is_ready(side->nbd))
    return gl_nbd_fail_nbd(&p->failure, side->name);
  if (side->bitmap && nbd_can_meta_context(side->nbd, side->bitmap) != 1)
    return gl_nbd_fail(&p->failure, "nbd_error", "%s does not offer '%s'", side->name, side->bitmap);
  return true;
}

bool gl_nbd_connect(gl_nbd_pair *p)
{
  for (int i = 0; i < GL_NBD_SIDES; i++)
    if (is_there(&p->sides[i]) && !connect_side(p, &p->sides[i]))
      return false;
  return true;
}

static int on_flushed(void *left, int *error)
{
  *(int *)left = *error ? -1 : 0;
  return 1;
}

/* What was written is on the disk of the server. */
static bool flush(gl_nbd_pair *p, gl_nbd_side *side)
{
  if (nbd_can_flush(side->nbd) != 1)
    return true;
  nbd_completion_callback done = {.callback = on_flushed, .user_data = &side->left};
  side->left = 1;
  if (nbd_aio_flush(side->nbd, done, 0) < 0)
    return gl_nbd_fail_nbd(&p->failure, side->name);
  if (!gl_nbd_turn_until(p, &side->left))
    return false;
  return side->left == 0 || gl_nbd_fail(&p->failure, "io_error", "%s: what was written could not be made to last", side->name);
}

/* Until the server has taken leave, or the copy is cancelled. */
static void say_goodbye(gl_nbd_pair *p, gl_nbd_side *side)
{
  if (nbd_aio_disconnect(side->nbd, 0) < 0)
    return;
  while (!nbd_aio_is_closed(side->nbd) && !nbd_aio_is_dead(side->nbd)) {
    struct pollfd fd = {.fd = nbd_aio_get_fd(side->nbd), .events = events_of(side->nbd)};
    if (atomic_load(&p->cancelled)) {
      gl_nbd_fail(&p->failure, "cancelled", "the copy was cancelled");
      return;
    }
    if (poll(&fd, 1, LOOK_MS) > 0 && notify(side->nbd, fd.revents) < 0)
      return;
  }
}

bool gl_nbd_disconnect(gl_nbd_pair *p)
{
  gl_nbd_side *to = &p->sides[GL_NBD_SIDES - 1];
  if (to->nbd && !p->failure.kind)
    flush(p, to);
  for (int i = 0; i < GL_NBD_SIDES; i++) {
    gl_nbd_side *side = &p->sides[i];
    if (!side->nbd)
      continue;
    if (!p->failure.kind)
      say_goodbye(p, side);
    if (p->failure.kind && side->command)
      nbd_kill_subprocess(side->nbd, SIGKILL); /* it may hang, and nothing that it has is wanted */
    nbd_close(side->nbd);
    side->nbd = NULL;
  }
  return !p->failure.kind;
}

#endif
