/* The settings of the terminal, as they were found. */
#ifndef GL_SETTINGS_H
#define GL_SETTINGS_H

#include <stdbool.h>
#include <termios.h>

/* Saves them before the first change, and returns them. False: there is no terminal. */
bool gl_terminal_keep(struct termios *settings);

/* Restores the terminal's original settings. Async-signal-safe. */
void gl_terminal_restore(void);

#endif
