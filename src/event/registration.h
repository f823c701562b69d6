/* A Host's events: one registration for each kind; subscriptions share it. */
#ifndef GL_REGISTRATION_H
#define GL_REGISTRATION_H

#include "call/op.h"
#include "event/queue.h"

/* For an operation that needs the events it causes: registers on the op's worker, before the op's call. The op owns the result until it is
 * handed on. Negative if libvirt refused; the op then has the name of the call. events: a bit for each number (kind.h). qemu_event: of
 * QEMU's monitor only that one; NULL: all. Any thread. */
int gl_sub_register(gl_op *op, unsigned long long events, const char *qemu_event, gl_sub **sub);

/* The same without libvirt, if the connection has all of the registrations already. False: it lacks one, or that cannot be seen without
 * waiting for another thread. Lua thread. */
bool gl_sub_share(gl_op *op, unsigned long long events, const char *qemu_event, gl_sub **sub);

/* Ends it. sub may be NULL. Lua thread. */
void gl_sub_drop(gl_sub *sub);

/* Ends all registrations of a connection that is being closed. Any thread. */
void gl_event_deregister(gl_connection *connection);

/* Moves all registrations to a new connection of libvirt's; negative if libvirt refused one. Then, when the connection has it: reports
 * to all its subscriptions that events of connection->gap seconds were missed. Both on a worker. */
int gl_event_reconnect(gl_connection *connection, virConnectPtr new);
void gl_event_report_gap(gl_connection *connection);

#endif
