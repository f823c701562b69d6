#include "virt/object/types.h"

#include "virt/guest/object.h"
#include "virt/object/identity.h"

/* The type of a class. The functions NAME_free, NAME_of and NAME_find stand before. */
#define NAMED(id, class_, handle_)                                                                                                \
  const gl_named_type gl_##id##_named = {                                                                                         \
    .type = {.name = class_, .bind = gl_named_bind, .close = gl_named_close, .handle = gl_named_handle, .renew = gl_named_renew}, \
    .handle_type = &handle_,                                                                                                      \
    .handle_of = id##_of}

#define FREES(id, Vir)             \
  static void id##_free(void *ptr) \
  {                                \
    vir##Vir##Free(ptr);           \
  }

/* Finds it again: what the call gives, if it gives something. */
#define FINDS(id, call)                                                                 \
  static gl_handle *id##_of(void *ptr);                                                 \
  static gl_handle *id##_find(virConnectPtr conn, const gl_handle *h, virErrorPtr *why) \
  {                                                                                     \
    void *ptr = call;                                                                   \
    gl_handle *found = ptr ? id##_of(ptr) : NULL;                                       \
    if (!ptr && !*why)                                                                  \
      *why = virSaveLastError();                                                        \
    if (ptr && !found)                                                                  \
      id##_free(ptr);                                                                   \
    return found;                                                                       \
  }

#define KIND(id, what_, error, ...) \
  static const gl_handle_type id##_handle = {.what = what_, .free = id##_free, .find = id##_find, .missing = error, __VA_ARGS__}

/* What is known by its UUID. */
#define BY_UUID(id, Vir, class_, what, error, ...)                           \
  FREES(id, Vir)                                                             \
  FINDS(id, vir##Vir##LookupByUUID(conn, h->uuid))                           \
  KIND(id, what, error, .by_name = false, __VA_ARGS__);                      \
  static gl_handle *id##_of(void *ptr)                                       \
  {                                                                          \
    gl_handle *h = gl_handle_new(&id##_handle, ptr, vir##Vir##GetName(ptr)); \
    if (h)                                                                   \
      vir##Vir##GetUUID(ptr, h->uuid);                                       \
    return h;                                                                \
  }                                                                          \
  NAMED(id, class_, id##_handle)

BY_UUID(network, Network, "Network", "network", VIR_ERR_NO_NETWORK, .identity = gl_identity_of_network);
BY_UUID(storagepool, StoragePool, "StoragePool", "pool", VIR_ERR_NO_STORAGE_POOL, .identity = gl_identity_of_storagepool);
BY_UUID(nwfilter, NWFilter, "NWFilter", "nwfilter", VIR_ERR_NO_NWFILTER, .identity = NULL);

/* What is known by its name. */
#define BY_NAME(id, Vir, class_, what, error, get, lookup, ...) \
  FREES(id, Vir)                                                \
  FINDS(id, lookup(conn, h->name))                              \
  KIND(id, what, error, .by_name = true, __VA_ARGS__);          \
  static gl_handle *id##_of(void *ptr)                          \
  {                                                             \
    return gl_handle_new(&id##_handle, ptr, get(ptr));          \
  }                                                             \
  NAMED(id, class_, id##_handle)

BY_NAME(nodedevice, NodeDevice, "NodeDevice", "node device", VIR_ERR_NO_NODE_DEVICE, virNodeDeviceGetName, virNodeDeviceLookupByName,
        .identity = NULL);
BY_NAME(interface, Interface, "Interface", "interface", VIR_ERR_NO_INTERFACE, virInterfaceGetName, virInterfaceLookupByName,
        .identity = gl_identity_of_interface);
BY_NAME(nwfilterbinding, NWFilterBinding, "NWFilterBinding", "nwfilter binding", VIR_ERR_NO_NWFILTER_BINDING, virNWFilterBindingGetPortDev,
        virNWFilterBindingLookupByPortDev, .identity = gl_identity_of_nwfilterbinding);

/* ---- secrets: their name is what they are for ---- */

FREES(secret, Secret)
FINDS(secret, virSecretLookupByUUID(conn, h->uuid))
KIND(secret, "secret", VIR_ERR_NO_SECRET, .by_name = false);

static gl_handle *secret_of(void *ptr)
{
  char uuid[VIR_UUID_STRING_BUFLEN] = "";
  virSecretGetUUIDString(ptr, uuid);
  gl_handle *h = gl_handle_new(&secret_handle, ptr, uuid);
  if (h)
    virSecretGetUUID(ptr, h->uuid);
  return h;
}
NAMED(secret, "Secret", secret_handle);

/* ---- volumes: their key distinguishes those of the same name in different pools ---- */

FREES(storagevol, StorageVol)
FINDS(storagevol, virStorageVolLookupByKey(conn, h->owner))
KIND(storagevol, "volume", VIR_ERR_NO_STORAGE_VOL, .by_name = true, .identity = gl_identity_of_volume);

static gl_handle *storagevol_of(void *ptr)
{
  return gl_handle_new_of(&storagevol_handle, ptr, virStorageVolGetName(ptr), virStorageVolGetKey(ptr));
}
NAMED(storagevol, "StorageVol", storagevol_handle);

/* ---- ports of a network: nobody names them ---- */

FREES(networkport, NetworkPort)

static virNetworkPortPtr find_port(virConnectPtr conn, const gl_handle *h, virErrorPtr *why)
{
  virNetworkPtr network = virNetworkLookupByName(conn, h->owner);
  virNetworkPortPtr port = network ? virNetworkPortLookupByUUID(network, h->uuid) : NULL;
  if (network && !port) /* virNetworkFree forgets it */
    *why = virSaveLastError();
  if (network)
    virNetworkFree(network);
  return port;
}
FINDS(networkport, find_port(conn, h, why))
KIND(networkport, "port", VIR_ERR_NO_NETWORK_PORT, .by_name = false);

static gl_handle *networkport_of(void *ptr)
{
  char uuid[VIR_UUID_STRING_BUFLEN] = "";
  virNetworkPortGetUUIDString(ptr, uuid);
  gl_handle *h = gl_handle_new_of(&networkport_handle, ptr, uuid, virNetworkGetName(virNetworkPortGetNetwork(ptr)));
  if (h)
    virNetworkPortGetUUID(ptr, h->uuid);
  return h;
}
NAMED(networkport, "NetworkPort", networkport_handle);

/* ---- parts of a guest: their calls wait for those of the guest ---- */

#define OF_GUEST(id, Vir, class_, what, error)                                                         \
  FREES(id, Vir)                                                                                       \
  static void *id##_in(virConnectPtr conn, const gl_handle *h, virErrorPtr *why)                       \
  {                                                                                                    \
    virDomainPtr dom = virDomainLookupByUUID(conn, h->uuid);                                           \
    void *found = dom ? vir##Vir##LookupByName(dom, h->name, 0) : NULL;                                \
    if (dom && !found) /* virDomainFree forgets it */                                                  \
      *why = virSaveLastError();                                                                       \
    if (dom)                                                                                           \
      virDomainFree(dom);                                                                              \
    return found;                                                                                      \
  }                                                                                                    \
  FINDS(id, id##_in(conn, h, why))                                                                     \
  KIND(id, what, error, .of = &gl_domain_handle, .identity = gl_identity_of_##id);                     \
  static gl_handle *id##_of(void *ptr)                                                                 \
  {                                                                                                    \
    virDomainPtr dom = vir##Vir##GetDomain(ptr);                                                       \
    gl_handle *h = gl_handle_new_of(&id##_handle, ptr, vir##Vir##GetName(ptr), virDomainGetName(dom)); \
    if (h)                                                                                             \
      virDomainGetUUID(dom, h->uuid);                                                                  \
    return h;                                                                                          \
  }                                                                                                    \
  NAMED(id, class_, id##_handle)

OF_GUEST(snapshot, DomainSnapshot, "Snapshot", "snapshot", VIR_ERR_NO_DOMAIN_SNAPSHOT);
OF_GUEST(checkpoint, DomainCheckpoint, "Checkpoint", "checkpoint", VIR_ERR_NO_DOMAIN_CHECKPOINT);

/* ---- guests ---- */

static void push_guest(lua_State *L, gl_connection *connection, int parent, void **ptr)
{
  gl_guest_push(L, connection, parent, (virDomainPtr *)ptr);
}

/* Only for calls of a Host. */
const gl_named_type gl_domain_named = {.handle_type = &gl_domain_handle, .push = push_guest};
