/*
 * The functions of libvirt that build/faults.so stands in for, each with its parameters and the same without their types. The guest is
 * `dom`, except where a call has none.
 */
#include "faults.h"

#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>
#include <stdlib.h>

#define CALL(type, failure, name, params, args, object, device, drop)                         \
  type name params                                                                            \
  {                                                                                           \
    static atomic_uint times;                                                                 \
    faults_call c = faults_begin(#name, &times, __builtin_return_address(0), object, device); \
    if (c.failed)                                                                             \
      return failure;                                                                         \
    type result = ((__typeof__(name) *)faults_real(#name))args;                               \
    if (!faults_is_lost(&c))                                                                  \
      return result;                                                                          \
    if (result != failure) {                                                                  \
      drop;                                                                                   \
      faults_set_error(&c); /* freeing may have cleared it */                                 \
    }                                                                                         \
    return failure;                                                                           \
  }

#define GUEST(name, params, args) CALL(int, -1, name, params, args, faults_guest_of(dom), NULL, )
#define GUEST_DROP(name, params, args, drop) CALL(int, -1, name, params, args, faults_guest_of(dom), NULL, drop)
#define DISK(name, params, args) CALL(int, -1, name, params, args, faults_guest_of(dom), disk, )
#define TEXT(name, params, args) CALL(char *, NULL, name, params, args, faults_guest_of(dom), NULL, free(result))
#define HOST(name, params, args) CALL(int, -1, name, params, args, NULL, NULL, )
#define HOST_TEXT(name, params, args) CALL(char *, NULL, name, params, args, NULL, NULL, free(result))
#define OPEN(name, params, args) CALL(virConnectPtr, NULL, name, params, args, uri, NULL, virConnectClose(result))
#define FIND(name, params, args, key) CALL(virDomainPtr, NULL, name, params, args, key, NULL, virDomainFree(result))
#define SNAPSHOT(name, params, args) \
  CALL(virDomainSnapshotPtr, NULL, name, params, args, faults_guest_of(dom), NULL, virDomainSnapshotFree(result))

OPEN(virConnectOpen, (const char *uri), (uri))
OPEN(virConnectOpenAuth, (const char *uri, virConnectAuthPtr auth, unsigned flags), (uri, auth, flags))
OPEN(virConnectOpenReadOnly, (const char *uri), (uri))
HOST(virConnectDomainEventDeregisterAny, (virConnectPtr conn, int id), (conn, id))
HOST(virConnectGetLibVersion, (virConnectPtr conn, unsigned long *version), (conn, version))
HOST(virConnectSetKeepAlive, (virConnectPtr conn, int interval, unsigned count), (conn, interval, count))
HOST_TEXT(virConnectGetCapabilities, (virConnectPtr conn), (conn))
HOST_TEXT(virConnectGetDomainCapabilities,
          (virConnectPtr conn, const char *emulator, const char *arch, const char *machine, const char *type, unsigned flags),
          (conn, emulator, arch, machine, type, flags))
HOST_TEXT(virConnectGetHostname, (virConnectPtr conn), (conn))
HOST_TEXT(virConnectGetURI, (virConnectPtr conn), (conn))

static void drop_domains(virDomainPtr **list, int count)
{
  for (int i = 0; list && i < count; i++)
    virDomainFree((*list)[i]);
  if (list) {
    free(*list);
    *list = NULL;
  }
}
CALL(int, -1, virConnectListAllDomains, (virConnectPtr conn, virDomainPtr **list, unsigned flags), (conn, list, flags), NULL, NULL,
     drop_domains(list, result))
CALL(int, -1, virDomainListGetStats, (virDomainPtr * doms, unsigned stats, virDomainStatsRecordPtr **list, unsigned flags),
     (doms, stats, list, flags), doms ? faults_guest_of(*doms) : NULL, NULL, (virDomainStatsRecordListFree(*list), *list = NULL))
CALL(int, -1, virConnectGetAllDomainStats, (virConnectPtr conn, unsigned stats, virDomainStatsRecordPtr **list, unsigned flags),
     (conn, stats, list, flags), NULL, NULL, (virDomainStatsRecordListFree(*list), *list = NULL))

FIND(virDomainCreateXML, (virConnectPtr conn, const char *xml, unsigned flags), (conn, xml, flags), NULL)
FIND(virDomainDefineXML, (virConnectPtr conn, const char *xml), (conn, xml), NULL)
FIND(virDomainDefineXMLFlags, (virConnectPtr conn, const char *xml, unsigned flags), (conn, xml, flags), NULL)
FIND(virDomainLookupByID, (virConnectPtr conn, int id), (conn, id), NULL)
FIND(virDomainLookupByName, (virConnectPtr conn, const char *name), (conn, name), name)
FIND(virDomainLookupByUUID, (virConnectPtr conn, const unsigned char *uuid), (conn, uuid), NULL)
FIND(virDomainLookupByUUIDString, (virConnectPtr conn, const char *uuid), (conn, uuid), uuid)

GUEST(virDomainAbortJob, (virDomainPtr dom), (dom))
GUEST(virDomainAbortJobFlags, (virDomainPtr dom, unsigned flags), (dom, flags))
GUEST(virDomainAgentSetResponseTimeout, (virDomainPtr dom, int timeout, unsigned flags), (dom, timeout, flags))
GUEST(virDomainAttachDevice, (virDomainPtr dom, const char *xml), (dom, xml))
GUEST(virDomainAttachDeviceFlags, (virDomainPtr dom, const char *xml, unsigned flags), (dom, xml, flags))
GUEST(virDomainBackupBegin, (virDomainPtr dom, const char *xml, const char *checkpoint, unsigned flags), (dom, xml, checkpoint, flags))
HOST(virDomainCheckpointDelete, (virDomainCheckpointPtr checkpoint, unsigned flags), (checkpoint, flags))
GUEST(virDomainCreate, (virDomainPtr dom), (dom))
GUEST(virDomainCreateWithFlags, (virDomainPtr dom, unsigned flags), (dom, flags))
GUEST(virDomainDestroy, (virDomainPtr dom), (dom))
GUEST(virDomainDestroyFlags, (virDomainPtr dom, unsigned flags), (dom, flags))
GUEST(virDomainDetachDevice, (virDomainPtr dom, const char *xml), (dom, xml))
GUEST(virDomainDetachDeviceAlias, (virDomainPtr dom, const char *alias, unsigned flags), (dom, alias, flags))
GUEST(virDomainDetachDeviceFlags, (virDomainPtr dom, const char *xml, unsigned flags), (dom, xml, flags))
GUEST(virDomainFSFreeze, (virDomainPtr dom, const char **mounts, unsigned count, unsigned flags), (dom, mounts, count, flags))
GUEST(virDomainFSThaw, (virDomainPtr dom, const char **mounts, unsigned count, unsigned flags), (dom, mounts, count, flags))
GUEST(virDomainFSTrim, (virDomainPtr dom, const char *mount, unsigned long long minimum, unsigned flags), (dom, mount, minimum, flags))
GUEST(virDomainGetInfo, (virDomainPtr dom, virDomainInfoPtr info), (dom, info))
GUEST(virDomainGetJobInfo, (virDomainPtr dom, virDomainJobInfoPtr info), (dom, info))
GUEST(virDomainGetState, (virDomainPtr dom, int *state, int *reason, unsigned flags), (dom, state, reason, flags))
GUEST(virDomainGetTime, (virDomainPtr dom, long long *seconds, unsigned *nseconds, unsigned flags), (dom, seconds, nseconds, flags))
GUEST(virDomainGetVcpus, (virDomainPtr dom, virVcpuInfoPtr info, int max, unsigned char *maps, int length), (dom, info, max, maps, length))
GUEST(virDomainGetVcpusFlags, (virDomainPtr dom, unsigned flags), (dom, flags))
GUEST(virDomainHasManagedSaveImage, (virDomainPtr dom, unsigned flags), (dom, flags))
GUEST(virDomainInjectNMI, (virDomainPtr dom, unsigned flags), (dom, flags))
GUEST(virDomainIsActive, (virDomainPtr dom), (dom))
GUEST(virDomainIsPersistent, (virDomainPtr dom), (dom))
GUEST(virDomainIsUpdated, (virDomainPtr dom), (dom))
GUEST(virDomainManagedSave, (virDomainPtr dom, unsigned flags), (dom, flags))
GUEST(virDomainManagedSaveRemove, (virDomainPtr dom, unsigned flags), (dom, flags))
GUEST(virDomainMigrateSetMaxDowntime, (virDomainPtr dom, unsigned long long ms, unsigned flags), (dom, ms, flags))
GUEST(virDomainMigrateSetMaxSpeed, (virDomainPtr dom, unsigned long bandwidth, unsigned flags), (dom, bandwidth, flags))
GUEST(virDomainMigrateStartPostCopy, (virDomainPtr dom, unsigned flags), (dom, flags))
GUEST(virDomainMigrateToURI3, (virDomainPtr dom, const char *uri, virTypedParameterPtr params, unsigned count, unsigned flags),
      (dom, uri, params, count, flags))
GUEST(virDomainPMSuspendForDuration, (virDomainPtr dom, unsigned target, unsigned long long duration, unsigned flags),
      (dom, target, duration, flags))
GUEST(virDomainPMWakeup, (virDomainPtr dom, unsigned flags), (dom, flags))
GUEST(virDomainReboot, (virDomainPtr dom, unsigned flags), (dom, flags))
GUEST(virDomainReset, (virDomainPtr dom, unsigned flags), (dom, flags))
GUEST(virDomainResume, (virDomainPtr dom), (dom))
GUEST(virDomainSetMemoryFlags, (virDomainPtr dom, unsigned long memory, unsigned flags), (dom, memory, flags))
GUEST(virDomainSetMetadata, (virDomainPtr dom, int type, const char *metadata, const char *key, const char *uri, unsigned flags),
      (dom, type, metadata, key, uri, flags))
GUEST(virDomainSetTime, (virDomainPtr dom, long long seconds, unsigned nseconds, unsigned flags), (dom, seconds, nseconds, flags))
GUEST(virDomainSetUserPassword, (virDomainPtr dom, const char *user, const char *password, unsigned flags), (dom, user, password, flags))
GUEST(virDomainSetVcpusFlags, (virDomainPtr dom, unsigned count, unsigned flags), (dom, count, flags))
GUEST(virDomainShutdown, (virDomainPtr dom), (dom))
GUEST(virDomainShutdownFlags, (virDomainPtr dom, unsigned flags), (dom, flags))
GUEST(virDomainSuspend, (virDomainPtr dom), (dom))
GUEST(virDomainUndefine, (virDomainPtr dom), (dom))
GUEST(virDomainUndefineFlags, (virDomainPtr dom, unsigned flags), (dom, flags))
GUEST(virDomainUpdateDeviceFlags, (virDomainPtr dom, const char *xml, unsigned flags), (dom, xml, flags))
TEXT(virDomainBackupGetXMLDesc, (virDomainPtr dom, unsigned flags), (dom, flags))
TEXT(virDomainGetMetadata, (virDomainPtr dom, int type, const char *uri, unsigned flags), (dom, type, uri, flags))
TEXT(virDomainGetXMLDesc, (virDomainPtr dom, unsigned flags), (dom, flags))
TEXT(virDomainQemuAgentCommand, (virDomainPtr dom, const char *command, int timeout, unsigned flags), (dom, command, timeout, flags))

static void drop_params(virTypedParameterPtr *params, int *count)
{
  virTypedParamsFree(*params, *count);
  *params = NULL;
  *count = 0;
}
static void drop_disk_errors(virDomainDiskErrorPtr errors, int count)
{
  for (int i = 0; errors && i < count; i++)
    free(errors[i].disk);
}
GUEST_DROP(virDomainGetDiskErrors, (virDomainPtr dom, virDomainDiskErrorPtr errors, unsigned max, unsigned flags),
           (dom, errors, max, flags), drop_disk_errors(errors, result))
GUEST_DROP(virDomainGetGuestInfo, (virDomainPtr dom, unsigned types, virTypedParameterPtr *params, int *count, unsigned flags),
           (dom, types, params, count, flags), drop_params(params, count))
GUEST_DROP(virDomainGetJobStats, (virDomainPtr dom, int *type, virTypedParameterPtr *params, int *count, unsigned flags),
           (dom, type, params, count, flags), drop_params(params, count))
GUEST_DROP(virDomainQemuMonitorCommand, (virDomainPtr dom, const char *command, char **answer, unsigned flags),
           (dom, command, answer, flags), (free(*answer), *answer = NULL))

DISK(virDomainBlockCommit, (virDomainPtr dom, const char *disk, const char *base, const char *top, unsigned long bandwidth, unsigned flags),
     (dom, disk, base, top, bandwidth, flags))
DISK(virDomainBlockCopy, (virDomainPtr dom, const char *disk, const char *xml, virTypedParameterPtr params, int count, unsigned flags),
     (dom, disk, xml, params, count, flags))
DISK(virDomainBlockJobAbort, (virDomainPtr dom, const char *disk, unsigned flags), (dom, disk, flags))
DISK(virDomainBlockJobSetSpeed, (virDomainPtr dom, const char *disk, unsigned long bandwidth, unsigned flags),
     (dom, disk, bandwidth, flags))
DISK(virDomainBlockPull, (virDomainPtr dom, const char *disk, unsigned long bandwidth, unsigned flags), (dom, disk, bandwidth, flags))
DISK(virDomainBlockRebase, (virDomainPtr dom, const char *disk, const char *base, unsigned long bandwidth, unsigned flags),
     (dom, disk, base, bandwidth, flags))
DISK(virDomainBlockResize, (virDomainPtr dom, const char *disk, unsigned long long size, unsigned flags), (dom, disk, size, flags))
DISK(virDomainBlockStats, (virDomainPtr dom, const char *disk, virDomainBlockStatsPtr stats, size_t size), (dom, disk, stats, size))
DISK(virDomainGetBlockInfo, (virDomainPtr dom, const char *disk, virDomainBlockInfoPtr info, unsigned flags), (dom, disk, info, flags))
DISK(virDomainGetBlockJobInfo, (virDomainPtr dom, const char *disk, virDomainBlockJobInfoPtr info, unsigned flags),
     (dom, disk, info, flags))
DISK(virDomainSetBlockThreshold, (virDomainPtr dom, const char *disk, unsigned long long threshold, unsigned flags),
     (dom, disk, threshold, flags))

SNAPSHOT(virDomainSnapshotCreateXML, (virDomainPtr dom, const char *xml, unsigned flags), (dom, xml, flags))
SNAPSHOT(virDomainSnapshotLookupByName, (virDomainPtr dom, const char *name, unsigned flags), (dom, name, flags))
HOST(virDomainRevertToSnapshot, (virDomainSnapshotPtr snapshot, unsigned flags), (snapshot, flags))
HOST(virDomainSnapshotDelete, (virDomainSnapshotPtr snapshot, unsigned flags), (snapshot, flags))
