/* core.run: programs of this host, without holding up the loop. */
#ifndef GL_RUN_H
#define GL_RUN_H

#include <lua.h>

/*
 * core.run(arguments, environment, input, cwd, seconds): runs the program arguments[1] with its arguments to its end. environment: name ->
 * value, or false for a variable to remove; NULL: this process's environment. Gives its exit code (128 plus the signal's number), its
 * standard output, its standard error, and whether it ran out of time; nil and the reason if it cannot be started.
 */
void gl_run_open(lua_State *L);

/* Pushes an array of the strings in the list at index, which ends with NULL. [-0, +1, m] */
char **gl_run_push_strings(lua_State *L, int index);

#endif
