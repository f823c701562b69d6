/* The settings of the terminal, as they were found. */
#ifndef GL_SETTINGS_H
#define GL_SETTINGS_H

#include <stdbool.h>
#include <termios.h>

/* Remembers them, before they are changed for the first time, and gives them. False: there is no terminal. */
bool gl_terminal_keep(struct termios *settings);

/* Gives the terminal back as it was found. Async-signal-safe. */
void gl_terminal_restore(void);

#endif
