#include "call/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "call/kinds.h"
#include "call/values.h"

/* How often a reader looks whether anybody still waits for the answer. */
#define LOOK_MS 100

typedef struct ask_op {
  gl_op op;
  const char *question;
  int secret;
  atomic_bool stopped;
  bool answered;
  char answer[1024];
} ask_op;

static const gl_param params[] = {
  GL_ARG(ask_op, question, &gl_string, "what is asked"),
  GL_OPTION(ask_op, secret, &gl_boolean, "do not show what is typed"),
  GL_END,
};

static void put(int terminal, const char *text)
{
  ssize_t n = write(terminal, text, strlen(text));
  (void)n; /* a terminal that is gone has no reader */
}

/* The terminal gives whole lines. Negative: nobody waits any more, or it is gone. */
static ssize_t read_line(ask_op *self, int terminal)
{
  struct pollfd ready = {.fd = terminal, .events = POLLIN};
  while (!atomic_load(&self->stopped)) {
    int n = poll(&ready, 1, LOOK_MS);
    if (n > 0)
      return read(terminal, self->answer, sizeof self->answer - 1);
    if (n < 0 && errno != EINTR)
      return -1;
  }
  return -1;
}

static int run(gl_op *op)
{
  ask_op *self = (ask_op *)op;
  int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
  /* One in the background would be stopped for as long as nobody brings it to the front. */
  if (terminal < 0 || tcgetpgrp(terminal) != getpgrp()) {
    if (terminal >= 0)
      close(terminal);
    return gl_op_fail(op, "no_terminal", "there is no terminal to ask at");
  }
  struct termios before, silent;
  bool changed = self->secret && tcgetattr(terminal, &before) == 0;
  if (changed) {
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(terminal, TCSAFLUSH, &silent);
  }
  put(terminal, self->question);
  ssize_t length = read_line(self, terminal);
  self->answered = length > 0 && self->answer[length - 1] == '\n';
  if (self->answered)
    self->answer[length - 1] = '\0';
  if (changed) {
    tcsetattr(terminal, TCSAFLUSH, &before);
    put(terminal, "\n");
  }
  close(terminal);
  return 0;
}

static int push(lua_State *L, gl_op *op)
{
  const ask_op *self = (ask_op *)op;
  lua_pushstring(L, self->answered ? self->answer : NULL);
  return 1;
}

static void stop(gl_op *op)
{
  atomic_store(&((ask_op *)op)->stopped, true);
}

static void release(gl_op *op)
{
  explicit_bzero(((ask_op *)op)->answer, sizeof((ask_op *)op)->answer);
}
const gl_opdef gl_ask = {
  .name = "ask",
  .params = params,
  .size = sizeof(ask_op),
  .run = run,
  .push = push,
  .stop = stop,
  .release = release,
};
