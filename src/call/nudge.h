/*
 * libvirt's client loses calls. The thread with the first call of a connection speaks with the daemon for all others; one with a new call
 * wakes it by g_main_loop_quit, which does nothing if the loop is just about to run. The call is then sent when that thread next hears
 * something: a keepalive answer, seconds later, or the end of its own call. A further call wakes it as well, and has all of them sent.
 * (Seen with libvirt 9.0, between any two turns of the loop, most of all if processors are few and busy.)
 */
#ifndef GL_NUDGE_H
#define GL_NUDGE_H

#include "call/connection.h"

/* Seconds that a call beside others may take before the first nudge; each one is as far from the next as from the call's beginning. */
#define GL_NUDGE_S 0.05

/* Makes a call of no consequence on the connection, which nobody waits for, unless enough of them are under way. Lua thread. */
void gl_nudge(gl_connection *c);

#endif
