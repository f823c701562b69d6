/* The process of a script that is confined (guestlua --sandbox --process), which starts this program again:
 * lua/guestlua/sandbox/confined.lua is what it does, lua/guestlua/sandbox/process.lua is its parent's side. */
#ifndef GL_CONFINED_H
#define GL_CONFINED_H

#include <stdbool.h>

/* Whether this process is one: its parent called it so. */
bool gl_is_confined(char **argv);

/* Runs the script that the parent sends; the exit code. */
int gl_confined_main(void);

#endif
