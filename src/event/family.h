/* Events that libvirt is asked for by the same function: those of guests, of networks, of pools … */
#ifndef GL_FAMILY_H
#define GL_FAMILY_H

#include <libvirt/libvirt.h>

#include "event/queue.h"

typedef struct gl_event_family {
  const char *call; /* libvirt's function, for errors and the log */

  /* Registers the callback for all objects of the connection; libvirt's number for that, or negative: libvirt refused, and on_free is not
   * called. */
  int (*begin)(virConnectPtr conn, int id, void (*callback)(void), void *opaque, virFreeCallback on_free);
  /* Ends that; on_free is called, now or later, on any thread. */
  void (*end)(virConnectPtr conn, int registered, void *opaque, virFreeCallback on_free);
} gl_event_family;

extern const gl_event_family gl_event_domain, gl_event_network, gl_event_storagepool, gl_event_nodedevice, gl_event_secret,
  gl_event_qemu_monitor, gl_event_connection;

/* For the callbacks. Event thread. */
void gl_event_deliver_domain(void *feed, virDomainPtr dom, const gl_event_data *data);
void gl_event_deliver_network(void *feed, virNetworkPtr network, const gl_event_data *data);
void gl_event_deliver_storagepool(void *feed, virStoragePoolPtr pool, const gl_event_data *data);
void gl_event_deliver_nodedevice(void *feed, virNodeDevicePtr device, const gl_event_data *data);
void gl_event_deliver_secret(void *feed, virSecretPtr secret, const gl_event_data *data);
void gl_event_deliver_qemu_monitor(void *feed, virDomainPtr dom, const gl_event_data *data); /* texts[0]: the event's name in QEMU */

#endif
