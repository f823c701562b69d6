/* What a Host hears of: one registration for each kind of event, to which its subscriptions belong. */
#ifndef GL_REGISTRATION_H
#define GL_REGISTRATION_H

#include "call/op.h"
#include "event/queue.h"

/* For an operation that has to hear of what it causes: registers, on the op's worker, before the call that it makes. The op owns the result
 * until it is handed on. Negative if libvirt refused. Any thread. */
int gl_sub_register(gl_op *op, long long events, gl_sub **sub); /* events: a bit for each id */

/* Ends it. sub may be NULL. Lua thread. */
void gl_sub_drop(gl_sub *sub);

/* Ends all registrations of a connection that is being closed. Any thread. */
void gl_event_deregister(gl_connection *connection);

/* Moves all registrations to a new connection of libvirt's; negative if libvirt refused one. Then, when the connection has it: tells all
 * its subscriptions that what happened for connection->gap seconds was not heard. Both on a worker. */
int gl_event_reconnect(gl_connection *connection, virConnectPtr new);
void gl_event_tell_gap(gl_connection *connection);

#endif
