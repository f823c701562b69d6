/*
 * libvirt's client loses calls. The thread with the first call of a connection speaks with the daemon for all others; one with a new call
 * wakes it by g_main_loop_quit, which does nothing if the loop is just about to run. The call is then sent when that thread next hears
 * something: a keepalive answer, seconds later, or the end of its own call. A further call wakes it as well, and has all of them sent.
 * (Seen with libvirt 9.0, between any two turns of the loop, most of all if processors are few and busy.)
 *
 * A daemon may lose them as well: its workers wait on a condition variable, and those of glibc before 2.41 can miss a signal (its bug
 * 25847). The call then lies there until the next one comes, and nothing else does if it is alone: keepalive is answered all the while.
 */
#ifndef GL_NUDGE_H
#define GL_NUDGE_H

#include "call/connection.h"

/* Seconds that a call may take before the first nudge, beside others and alone; each one is as far from the next as from the call's
 * beginning, but no farther than the most. */
#define GL_NUDGE_S 0.05
#define GL_NUDGE_ALONE_S 2.0
#define GL_NUDGE_MOST_S 10.0

/* Makes a call of no consequence on the connection, which nobody waits for, unless enough of them are under way. Lua thread. */
void gl_nudge(gl_connection *c);

#endif
