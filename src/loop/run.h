/* core.run: programs of this host, without holding up the loop. */
#ifndef GL_RUN_H
#define GL_RUN_H

#include <lua.h>

/*
 * core.run(arguments, environment, input, cwd, seconds): runs the program arguments[1] with its arguments to its end. environment: name ->
 * value, or false for a variable that it is not to have, NULL: as this process's. Gives its exit code (128 and the signal's number), what
 * it wrote to standard output and to standard error, and whether its time was over; nil and why where it cannot be started.
 */
void gl_run_open(lua_State *L);

#endif
