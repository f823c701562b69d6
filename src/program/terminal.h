/*
 * The terminal of the command: the prompt, by GNU readline, and the key that asks for the status. Only the executable has it: readline is
 * under the GPL, and who embeds the library must not inherit that.
 */
#ifndef GL_TERMINAL_H
#define GL_TERMINAL_H

#include <lua.h>
#include <stdbool.h>

/* The module "guestlua.terminal", see terminal.c. [-0, +1, e] */
int gl_terminal_open(lua_State *L);

/* Signal handler: whether there is a prompt, whose business this signal is. */
bool gl_terminal_takes_interrupt(int signo);

/* Gives the terminal back as it was found. Async-signal-safe. */
void gl_terminal_restore(void);

#endif
