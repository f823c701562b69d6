#include "program/settings.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static struct termios found;
static volatile sig_atomic_t changed;

void gl_terminal_restore(void)
{
  if (changed)
    tcsetattr(STDIN_FILENO, TCSANOW, &found);
}

bool gl_terminal_keep(struct termios *settings)
{
  if (!changed && tcgetattr(STDIN_FILENO, &found) == 0) {
    changed = true;
    atexit(gl_terminal_restore);
  }
  *settings = found;
  return changed;
}
