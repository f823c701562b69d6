/*
 * libvirt's callbacks. libvirt takes a function once for each kind of event of a virConnectPtr, and a program may have handed one over to
 * several states: so these are the process's, and each feeds the registrations of all states that have the connection.
 */
#ifndef GL_SOURCE_H
#define GL_SOURCE_H

#include <libvirt/libvirt.h>

#include "event/queue.h"

/* Makes r hear of its kind of event on that connection, and no more on the one before; waits if another thread is just registering or
 * ending the same. Negative if libvirt refused: then all is as it was. Any thread. */
int gl_source_join(virConnectPtr conn, gl_registration *r);

/* Ends that; libvirt forgets the callback with the last one. When it returns r is not in use. The connection may be lost. Any thread. */
void gl_source_leave(gl_registration *r);

/* For libvirt's callbacks, whose opaque the source is. Event thread. */
void gl_event_deliver(void *source, virDomainPtr dom, const gl_event_data *data);

#endif
