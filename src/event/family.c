#include "event/family.h"

#include <libvirt/libvirt-qemu.h>

/* A family with virConnect…EventRegisterAny and …DeregisterAny. */
#define FAMILY(id_, Vir)                                                                                                        \
  static int id_##_begin(virConnectPtr conn, int id, void (*callback)(void), void *opaque, virFreeCallback on_free)             \
  {                                                                                                                             \
    return virConnect##Vir##EventRegisterAny(conn, NULL, id, (virConnect##Vir##EventGenericCallback)callback, opaque, on_free); \
  }                                                                                                                             \
  static void id_##_end(virConnectPtr conn, int registered, void *opaque, virFreeCallback on_free)                              \
  {                                                                                                                             \
    (void)opaque;                                                                                                               \
    (void)on_free;                                                                                                              \
    virConnect##Vir##EventDeregisterAny(conn, registered);                                                                      \
  }                                                                                                                             \
  const gl_event_family gl_event_##id_ = {.call = "virConnect" #Vir "EventRegisterAny", .begin = id_##_begin, .end = id_##_end}

FAMILY(domain, Domain);
FAMILY(network, Network);
FAMILY(storagepool, StoragePool);
FAMILY(nodedevice, NodeDevice);
FAMILY(secret, Secret);

void gl_event_deliver_domain(void *feed, virDomainPtr dom, const gl_event_data *data)
{
  gl_event_object object = {.name = virDomainGetName(dom), .has_uuid = true};
  virDomainGetUUID(dom, object.uuid);
  gl_event_deliver(feed, &object, data);
}

void gl_event_deliver_network(void *feed, virNetworkPtr network, const gl_event_data *data)
{
  gl_event_object object = {.type = "network", .name = virNetworkGetName(network), .has_uuid = true};
  virNetworkGetUUID(network, object.uuid);
  gl_event_deliver(feed, &object, data);
}

void gl_event_deliver_storagepool(void *feed, virStoragePoolPtr pool, const gl_event_data *data)
{
  gl_event_object object = {.type = "pool", .name = virStoragePoolGetName(pool), .has_uuid = true};
  virStoragePoolGetUUID(pool, object.uuid);
  gl_event_deliver(feed, &object, data);
}

void gl_event_deliver_nodedevice(void *feed, virNodeDevicePtr device, const gl_event_data *data)
{
  const gl_event_object object = {.type = "node device", .name = virNodeDeviceGetName(device)};
  gl_event_deliver(feed, &object, data);
}

/* A secret has no name: its UUID stands for it, as in errors. */
void gl_event_deliver_secret(void *feed, virSecretPtr secret, const gl_event_data *data)
{
  char uuid[VIR_UUID_STRING_BUFLEN] = "";
  gl_event_object object = {.type = "secret", .name = uuid, .has_uuid = true};
  virSecretGetUUIDString(secret, uuid);
  virSecretGetUUID(secret, object.uuid);
  gl_event_deliver(feed, &object, data);
}

/* ---- QEMU's monitor ---- */

/* libvirt is not asked for some of them only: each subscription has a filter of its own (queue.c). */
static int qemu_monitor_begin(virConnectPtr conn, int id, void (*callback)(void), void *opaque, virFreeCallback on_free)
{
  (void)id;
  return virConnectDomainQemuMonitorEventRegister(conn, NULL, NULL, (virConnectDomainQemuMonitorEventCallback)callback, opaque, on_free, 0);
}

static void qemu_monitor_end(virConnectPtr conn, int registered, void *opaque, virFreeCallback on_free)
{
  (void)opaque;
  (void)on_free;
  virConnectDomainQemuMonitorEventDeregister(conn, registered);
}

const gl_event_family gl_event_qemu_monitor = {
  .call = "virConnectDomainQemuMonitorEventRegister", .begin = qemu_monitor_begin, .end = qemu_monitor_end};

void gl_event_deliver_qemu_monitor(void *feed, virDomainPtr dom, const gl_event_data *data)
{
  gl_event_object object = {.name = virDomainGetName(dom), .has_uuid = true, .qemu_event = data->texts[0]};
  virDomainGetUUID(dom, object.uuid);
  gl_event_deliver(feed, &object, data);
}

/* ---- the connection itself ---- */

static void on_disconnected(virConnectPtr conn, int reason, void *opaque)
{
  (void)conn;
  const gl_event_data data = {.numbers = {reason}};
  gl_event_deliver(opaque, NULL, &data);
}

/* A driver that knows of no such thing would not free what is opaque: connection_end does it. */
static int connection_begin(virConnectPtr conn, int id, void (*callback)(void), void *opaque, virFreeCallback on_free)
{
  (void)id;
  (void)callback;
  (void)on_free;
  return virConnectRegisterCloseCallback(conn, on_disconnected, opaque, NULL);
}

static void connection_end(virConnectPtr conn, int registered, void *opaque, virFreeCallback on_free)
{
  (void)registered;
  virConnectUnregisterCloseCallback(conn, on_disconnected); /* also waits for one that runs */
  on_free(opaque);
}

const gl_event_family gl_event_connection = {.call = "virConnectRegisterCloseCallback", .begin = connection_begin, .end = connection_end};
