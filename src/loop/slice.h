/*
 * Slices of time: a task that computes lets the others go on.
 *
 * A hook that counts costs as much as the script itself, all the time. So none is set until somebody has computed for a slice: a timer's
 * signal, on the state's own thread, sets the hook for the next instruction, which lets the task yield there. The timer runs only while
 * tasks compute. What cannot yield (in table.sort, in a finalizer), and this library's own modules, are not cut.
 */
#ifndef GL_SLICE_H
#define GL_SLICE_H

#include "loop/state.h"

/* From now on slices are that long; 0: tasks are not cut. Negative: there is no timer to be had, and errno says why. */
int gl_slice_set(gl_state *s, unsigned milliseconds);

/* Whether anybody else could use the time. */
static inline bool gl_slice_is_wanted(const gl_state *s)
{
  return s->alive.tasks > 1 || s->slice.luv || s->dispatching;
}

/* The timer runs from now on. */
void gl_slice_arm(gl_state *s);

/* Somebody may compute from now on, or somebody else wait. */
static inline void gl_slice_begin(gl_state *s)
{
  if (s->slice.ms && !s->slice.armed && gl_slice_is_wanted(s))
    gl_slice_arm(s);
}

/* An interrupt was asked for, and has to end a read of the script's: signal handlers too. The timer's signal lets a system call go on, and
 * takes the interrupt's own along if both come at once, as often happens on a machine with much to do. So for some times, or until the
 * interrupt is raised, it breaks off the call, too. */
void gl_slice_break(gl_state *s);
void gl_slice_broken(gl_state *s);

/* Prepares the state, and sets slice in the table on top of the stack. [-0, +0, e] */
void gl_slice_open(lua_State *L, gl_state *s);

#endif
