/* The thread that runs libvirt's event loop, one per process. */
#ifndef GL_THREAD_H
#define GL_THREAD_H

#include <stdatomic.h>

#include "call/op.h"

/* Registers libvirt's default event implementation and starts its thread, once per process. A program that has registered its own before
 * keeps it. Returns 0, or -1 if the thread could not be started. */
int gl_event_start(void);

/* Before the first gl_event_start: the program registers and runs libvirt's event loop itself; it keeps libvirt's error function.
 * Negative: it is too late for that. */
int gl_event_choose(bool own_loop, bool own_error_function);

/* Whether the program runs the loop. */
extern atomic_bool gl_event_is_programs;

/* For run: waits some time until libvirt's loop turns, and if it does not, fails with "no_event_loop". This library's own thread always
 * turns. */
int gl_event_await_turn(gl_op *op);
static inline int gl_event_await_loop(gl_op *op)
{
  return gl_event_is_programs ? gl_event_await_turn(op) : 0;
}

/* Ends the thread. Only for the end of the process. */
void gl_event_stop(void);

#endif
