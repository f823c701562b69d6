/* The requests of signal handlers: stop the script, or report what its tasks do. */
#ifndef GL_INTERRUPT_H
#define GL_INTERRUPT_H

#include <lua.h>

#include "loop/state.h"

/* Makes the script stop with an error of kind "interrupted". Async-signal-safe. */
void gl_interrupt(gl_state *s, int signo);

/* Asks for a report of what each task is doing, on standard error. Async-signal-safe. */
void gl_interrupt_for_status(gl_state *s);

void gl_interrupt_open(gl_state *s);

#endif
