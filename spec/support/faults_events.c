/* The events that build/faults.so can keep from being delivered, each with its callback. */
#include "faults.h"

#include <stdlib.h>
#include <string.h>

/* Stands in for the subscriber where it can: libvirt hands the same pointer to the callback and to what frees it. */
typedef struct listener {
  void (*callback)(void);
  void *opaque;
  virFreeCallback free_opaque;
  atomic_bool gone; /* the answer to its registration was lost: who registered has freed what is here */
} listener;

static listener *new_listener(void (*callback)(void), void *opaque, virFreeCallback free_opaque)
{
  listener *l = malloc(sizeof *l);
  if (!l)
    abort();
  l->callback = callback;
  l->opaque = opaque;
  l->free_opaque = free_opaque;
  atomic_init(&l->gone, false);
  return l;
}

static void free_listener(void *opaque)
{
  listener *l = opaque;
  if (l->free_opaque && !atomic_load(&l->gone))
    l->free_opaque(l->opaque);
  free(l);
}

#define EVENT(kind, device, params, ...)                                                        \
  static void on_##kind params                                                                  \
  {                                                                                             \
    static atomic_uint times;                                                                   \
    listener *l = opaque;                                                                       \
    if (!atomic_load(&l->gone) && faults_is_delivered(FAULTS_EVENT #kind, &times, dom, device)) \
      ((void(*) params)l->callback)(conn, dom, __VA_ARGS__, l->opaque);                         \
  }

EVENT(agent_lifecycle, NULL, (virConnectPtr conn, virDomainPtr dom, int state, int reason, void *opaque), state, reason)
EVENT(block_job, path, (virConnectPtr conn, virDomainPtr dom, const char *path, int type, int status, void *opaque), path, type, status)
EVENT(block_job_2, disk, (virConnectPtr conn, virDomainPtr dom, const char *disk, int type, int status, void *opaque), disk, type, status)
EVENT(device_added, alias, (virConnectPtr conn, virDomainPtr dom, const char *alias, void *opaque), alias)
EVENT(device_removal_failed, alias, (virConnectPtr conn, virDomainPtr dom, const char *alias, void *opaque), alias)
EVENT(device_removed, alias, (virConnectPtr conn, virDomainPtr dom, const char *alias, void *opaque), alias)
EVENT(job_completed, NULL, (virConnectPtr conn, virDomainPtr dom, virTypedParameterPtr params, int count, void *opaque), params, count)
EVENT(lifecycle, NULL, (virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque), event, detail)
EVENT(migration_iteration, NULL, (virConnectPtr conn, virDomainPtr dom, int iteration, void *opaque), iteration)

static void on_close(virConnectPtr conn, int reason, void *opaque)
{
  static atomic_uint times;
  listener *l = opaque;
  if (!atomic_load(&l->gone) && faults_is_delivered(FAULTS_EVENT "close", &times, NULL, NULL))
    ((virConnectCloseFunc)l->callback)(conn, reason, l->opaque);
}

#define KIND(id, kind)                                \
  {                                                   \
    FAULTS_EVENT #kind, id, (void (*)(void))on_##kind \
  }
static const struct {
  const char *name;
  int id;
  void (*callback)(void);
} kinds[] = {
  KIND(VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE, agent_lifecycle),
  KIND(VIR_DOMAIN_EVENT_ID_BLOCK_JOB, block_job),
  KIND(VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2, block_job_2),
  KIND(VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, device_added),
  KIND(VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED, device_removal_failed),
  KIND(VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, device_removed),
  KIND(VIR_DOMAIN_EVENT_ID_JOB_COMPLETED, job_completed),
  KIND(VIR_DOMAIN_EVENT_ID_LIFECYCLE, lifecycle),
  KIND(VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION, migration_iteration),
  KIND(-1, close),
};
enum { KIND_COUNT = sizeof kinds / sizeof *kinds };

int virConnectDomainEventRegisterAny(virConnectPtr conn, virDomainPtr dom, int id, virConnectDomainEventGenericCallback callback,
                                     void *opaque, virFreeCallback free_opaque)
{
  static atomic_uint times;
  const char *name = NULL;
  __typeof__(virConnectDomainEventRegisterAny) *registers = faults_real(__func__);
  virConnectDomainEventGenericCallback ours = NULL;
  for (int i = 0; i < KIND_COUNT; i++)
    if (kinds[i].id == id) {
      name = kinds[i].name + strlen(FAULTS_EVENT);
      ours = (virConnectDomainEventGenericCallback)kinds[i].callback;
    }
  faults_call c = faults_begin(__func__, &times, __builtin_return_address(0), faults_guest_of(dom), name);
  if (c.failed)
    return -1;
  if (!c.counts || !ours)
    return registers(conn, dom, id, callback, opaque, free_opaque);
  listener *l = new_listener((void (*)(void))callback, opaque, free_opaque);
  int rc = registers(conn, dom, id, ours, l, free_listener);
  if (rc < 0)
    free(l);
  if (!faults_is_lost(&c))
    return rc;
  if (rc >= 0) {
    atomic_store(&l->gone, true);
    ((__typeof__(virConnectDomainEventDeregisterAny) *)faults_real("virConnectDomainEventDeregisterAny"))(conn, rc);
    faults_set_error(&c);
  }
  return -1;
}

int virConnectRegisterCloseCallback(virConnectPtr conn, virConnectCloseFunc callback, void *opaque, virFreeCallback free_opaque)
{
  static atomic_uint times;
  __typeof__(virConnectRegisterCloseCallback) *registers = faults_real(__func__);
  faults_call c = faults_begin(__func__, &times, __builtin_return_address(0), NULL, NULL);
  if (c.failed)
    return -1;
  if (!c.counts)
    return registers(conn, callback, opaque, free_opaque);
  listener *l = new_listener((void (*)(void))callback, opaque, free_opaque);
  int rc = registers(conn, on_close, l, free_listener);
  if (rc < 0)
    free(l);
  if (!faults_is_lost(&c))
    return rc;
  if (rc >= 0) {
    atomic_store(&l->gone, true);
    ((__typeof__(virConnectUnregisterCloseCallback) *)faults_real("virConnectUnregisterCloseCallback"))(conn, on_close);
    faults_set_error(&c);
  }
  return -1;
}

/* libvirt wants to see the callback that was registered. */
int virConnectUnregisterCloseCallback(virConnectPtr conn, virConnectCloseFunc callback)
{
  static atomic_uint times;
  __typeof__(virConnectUnregisterCloseCallback) *unregisters = faults_real(__func__);
  faults_call c = faults_begin(__func__, &times, __builtin_return_address(0), NULL, NULL);
  if (c.failed)
    return -1;
  int rc = unregisters(conn, c.counts ? on_close : callback);
  return faults_is_lost(&c) ? -1 : rc;
}

bool faults_is_event(const char *name)
{
  for (int i = 0; i < KIND_COUNT; i++)
    if (strcmp(name, kinds[i].name) == 0)
      return true;
  return false;
}
