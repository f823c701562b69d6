#define _GNU_SOURCE /* statx */
#include "virt/object/identity.h"

#include <fcntl.h>
#include <libvirt/libvirt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- parts of a guest: the moment at which they were made, and how the guest was ---- */

/* Appends the element of that name, if the document has it in front of the guest's own. */
static void add(char *room, const char *xml, const char *name)
{
  char start[32], end[32];
  snprintf(start, sizeof start, "<%s>", name);
  snprintf(end, sizeof end, "</%s>", name);
  const char *guest = strstr(xml, "<domain "), *from = strstr(xml, start), *to = from ? strstr(from, end) : NULL;
  if (to && !(guest && guest < from))
    strncat(room, from, (size_t)(to - from));
}

/* Not its description, its disks or what it came after: all of them may change. */
static char *of_description(char *xml)
{
  char *room = xml ? calloc(1, strlen(xml) + 1) : NULL;
  if (room) {
    add(room, xml, "creationTime");
    add(room, xml, "state");
  }
  free(xml);
  return room;
}

char *gl_identity_of_snapshot(void *ptr, const char *uri, bool found)
{
  (void)uri;
  (void)found;
  return of_description(virDomainSnapshotGetXMLDesc(ptr, 0));
}

char *gl_identity_of_checkpoint(void *ptr, const char *uri, bool found)
{
  (void)uri;
  (void)found;
  return of_description(virDomainCheckpointGetXMLDesc(ptr, VIR_DOMAIN_CHECKPOINT_XML_NO_DOMAIN));
}

/* ---- networks and pools: the UUID of what has their name. Most drivers go by the UUID themselves; the test driver does not ---- */

#define BY_NAME(id, Vir)                                                                                 \
  char *gl_identity_of_##id(void *ptr, const char *uri, bool found)                                      \
  {                                                                                                      \
    (void)uri;                                                                                           \
    char uuid[VIR_UUID_STRING_BUFLEN] = "";                                                              \
    void *now = found ? ptr : vir##Vir##LookupByName(vir##Vir##GetConnect(ptr), vir##Vir##GetName(ptr)); \
    if (!now)                                                                                            \
      return NULL;                                                                                       \
    vir##Vir##GetUUIDString(now, uuid);                                                                  \
    if (now != ptr)                                                                                      \
      vir##Vir##Free(now);                                                                               \
    return strdup(uuid);                                                                                 \
  }
BY_NAME(network, Network)
BY_NAME(storagepool, StoragePool)

/* ---- host interfaces: the MAC address of what has their name ---- */

char *gl_identity_of_interface(void *ptr, const char *uri, bool found)
{
  (void)uri;
  virInterfacePtr now = found ? ptr : virInterfaceLookupByName(virInterfaceGetConnect(ptr), virInterfaceGetName(ptr));
  const char *mac = now ? virInterfaceGetMACString(now) : NULL;
  char *copy = mac ? strdup(mac) : NULL;
  if (now && now != ptr)
    virInterfaceFree(now);
  return copy;
}

/* ---- filters on a port: the guest that has it. The next guest gets a "vnet0" that is free ---- */

char *gl_identity_of_nwfilterbinding(void *ptr, const char *uri, bool found)
{
  (void)uri;
  (void)found;
  char *xml = virNWFilterBindingGetXMLDesc(ptr, 0), *room = xml ? calloc(1, strlen(xml) + 1) : NULL;
  const char *mac = xml ? strstr(xml, "<mac ") : NULL;
  if (room) {
    add(room, xml, "uuid");
    strncat(room, mac ? mac : "", mac ? strcspn(mac, ">") : 0);
  }
  free(xml);
  return room;
}

/* ---- volumes: the key, and on this machine the file ---- */

/* The key of what its pool has under its name now, to be freed. */
static char *key_now(virStorageVolPtr volume)
{
  virStoragePoolPtr pool = virStoragePoolLookupByVolume(volume);
  virStorageVolPtr now = pool ? virStorageVolLookupByName(pool, virStorageVolGetName(volume)) : NULL;
  char *key = now ? strdup(virStorageVolGetKey(now)) : NULL;
  if (now)
    virStorageVolFree(now);
  if (pool)
    virStoragePoolFree(pool);
  return key;
}

char *gl_identity_of_volume(void *ptr, const char *uri, bool found)
{
  char *key = found ? strdup(virStorageVolGetKey(ptr)) : key_now(ptr);
  struct statx x;
  if (!key || *key != '/' || !uri || !strstr(uri, ":///"))
    return key;
  if (statx(AT_FDCWD, key, AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &x) < 0) {
    if (!found) /* it is gone, and libvirt says so */
      free(key);
    return found ? key : NULL;
  }
  size_t size = strlen(key) + 80;
  char *text = malloc(size);
  if (text)
    snprintf(text, size, "%s %u:%u %llu %lld.%u", key, x.stx_dev_major, x.stx_dev_minor, (unsigned long long)x.stx_ino,
             x.stx_mask & STATX_BTIME ? (long long)x.stx_btime.tv_sec : 0, x.stx_mask & STATX_BTIME ? x.stx_btime.tv_nsec : 0);
  free(key);
  return text;
}
