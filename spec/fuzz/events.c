/*
 * libFuzzer: any bytes as what libvirt calls its callbacks with. Registering is done here, in the place of libvirt's functions, so that the
 * callbacks are known; each is called with the arguments that libvirt has for its kind of event.
 */
#include <libvirt/libvirt-qemu.h>
#include <string.h>

#include "harness.h"

/* ---- who has registered ---- */

enum { MOST = 64 };

static struct known {
  char family;
  int id;
  void (*callback)(void);
  void *opaque;
  virFreeCallback on_free;
} known[MOST];
static int count;

static int add(char family, int id, void (*callback)(void), void *opaque, virFreeCallback on_free)
{
  if (count == MOST)
    abort();
  known[count] = (struct known){family, id, callback, opaque, on_free};
  return count++;
}

static int end(int number)
{
  struct known *k = &known[number];
  if (k->on_free)
    k->on_free(k->opaque);
  k->on_free = NULL;
  return 0;
}

#define FAMILY(Vir, letter, Object)                                                                                                \
  int virConnect##Vir##EventRegisterAny(virConnectPtr conn, Object object, int id, virConnect##Vir##EventGenericCallback callback, \
                                        void *opaque, virFreeCallback on_free)                                                     \
  {                                                                                                                                \
    (void)conn;                                                                                                                    \
    (void)object;                                                                                                                  \
    return add(letter, id, (void (*)(void))callback, opaque, on_free);                                                             \
  }                                                                                                                                \
  int virConnect##Vir##EventDeregisterAny(virConnectPtr conn, int number)                                                          \
  {                                                                                                                                \
    (void)conn;                                                                                                                    \
    return end(number);                                                                                                            \
  }

FAMILY(Domain, 'd', virDomainPtr)
FAMILY(Network, 'n', virNetworkPtr)
FAMILY(StoragePool, 'p', virStoragePoolPtr)
FAMILY(NodeDevice, 'v', virNodeDevicePtr)
FAMILY(Secret, 's', virSecretPtr)

int virConnectDomainQemuMonitorEventRegister(virConnectPtr conn, virDomainPtr dom, const char *event,
                                             virConnectDomainQemuMonitorEventCallback callback, void *opaque, virFreeCallback on_free,
                                             unsigned flags)
{
  (void)conn;
  (void)dom;
  (void)event;
  (void)flags;
  return add('q', 0, (void (*)(void))callback, opaque, on_free);
}

int virConnectDomainQemuMonitorEventDeregister(virConnectPtr conn, int number)
{
  (void)conn;
  return end(number);
}

int virConnectRegisterCloseCallback(virConnectPtr conn, virConnectCloseFunc callback, void *opaque, virFreeCallback on_free)
{
  (void)conn;
  (void)on_free;
  add('c', 0, (void (*)(void))callback, opaque, NULL);
  return 0;
}

int virConnectUnregisterCloseCallback(virConnectPtr conn, virConnectCloseFunc callback)
{
  (void)conn;
  (void)callback;
  return 0;
}

/* ---- objects ---- */

/* The test driver has no secrets: any pointer is one, with this UUID. */
static const unsigned char secret_uuid[VIR_UUID_BUFLEN] = "fuzzed secret";

int virSecretGetUUID(virSecretPtr secret, unsigned char *uuid)
{
  (void)secret;
  memcpy(uuid, secret_uuid, sizeof secret_uuid);
  return 0;
}

int virSecretGetUUIDString(virSecretPtr secret, char *text)
{
  (void)secret;
  strcpy(text, "66757a7a-6564-2073-6563-726574000000");
  return 0;
}

static virConnectPtr conn;
static virDomainPtr dom;
static virNetworkPtr network;
static virStoragePoolPtr pool;
static virNodeDevicePtr device;

static void drop_objects(void)
{
  virDomainFree(dom);
  virNetworkFree(network);
  virStoragePoolFree(pool);
  virNodeDeviceFree(device);
}

/* begin(host) */
static int begin(lua_State *L)
{
  conn = guestlua_check_connect(L, 1);
  dom = virDomainLookupByName(conn, "test");
  network = virNetworkLookupByName(conn, "default");
  pool = virStoragePoolLookupByName(conn, "default-pool");
  device = virNodeDeviceLookupByName(conn, "computer");
  if (!dom || !network || !pool || !device)
    return luaL_error(L, "the test driver lacks something");
  atexit(drop_objects);
  return 0;
}

/* ---- events ---- */

typedef struct event {
  long long n[3];
  const char *t[5];
  virTypedParameterPtr params;
  int params_count;
} event;

/* What a callback of those parameters is called with. */
#define CALL(params_, ...)                                     \
  do {                                                         \
    void *opaque = k->opaque;                                  \
    ((void(*) params_)k->callback)(conn, __VA_ARGS__, opaque); \
  } while (0)
#define NUMBER(i) ((int)e->n[i])

typedef virConnectPtr c;
typedef void *o;
typedef const char *t;

static void fire_graphics(const struct known *k, const event *e)
{
  virDomainEventGraphicsAddress local = {.node = (char *)e->t[0], .service = (char *)e->t[1]},
                                remote = {.node = (char *)e->t[2], .service = (char *)e->t[3]};
  virDomainEventGraphicsSubjectIdentity identity = {.type = (char *)e->t[4], .name = (char *)e->t[0]};
  virDomainEventGraphicsSubject subject = {.nidentity = 1, .identities = &identity};
  ((virConnectDomainEventGraphicsCallback)k->callback)(conn, dom, NUMBER(0), &local, &remote, e->t[4], &subject, k->opaque);
}

static int fire_domain(const struct known *k, const event *e)
{
  typedef virDomainPtr d;
  switch (k->id) {
  case VIR_DOMAIN_EVENT_ID_REBOOT:
  case VIR_DOMAIN_EVENT_ID_CONTROL_ERROR:
    CALL((c, d, o), dom);
    return 1;
  case VIR_DOMAIN_EVENT_ID_LIFECYCLE:
    return ((virConnectDomainEventCallback)k->callback)(conn, dom, NUMBER(0), NUMBER(1), k->opaque) == 0;
  case VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE:
    CALL((c, d, int, int, o), dom, NUMBER(0), NUMBER(1));
    return 1;
  case VIR_DOMAIN_EVENT_ID_RTC_CHANGE:
    CALL((c, d, long long, o), dom, e->n[0]);
    return 1;
  case VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE:
    CALL((c, d, unsigned long long, o), dom, (unsigned long long)e->n[0]);
    return 1;
  case VIR_DOMAIN_EVENT_ID_WATCHDOG:
  case VIR_DOMAIN_EVENT_ID_PMWAKEUP:
  case VIR_DOMAIN_EVENT_ID_PMSUSPEND:
  case VIR_DOMAIN_EVENT_ID_PMSUSPEND_DISK:
  case VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION:
    CALL((c, d, int, o), dom, NUMBER(0));
    return 1;
  case VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED:
  case VIR_DOMAIN_EVENT_ID_DEVICE_ADDED:
  case VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED:
    CALL((c, d, t, o), dom, e->t[0]);
    return 1;
  case VIR_DOMAIN_EVENT_ID_IO_ERROR:
    CALL((c, d, t, t, int, o), dom, e->t[0], e->t[1], NUMBER(0));
    return 1;
  case VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON:
    CALL((c, d, t, t, int, t, o), dom, e->t[0], e->t[1], NUMBER(0), e->t[2]);
    return 1;
  case VIR_DOMAIN_EVENT_ID_BLOCK_JOB:
  case VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2:
    CALL((c, d, t, int, int, o), dom, e->t[0], NUMBER(0), NUMBER(1));
    return 1;
  case VIR_DOMAIN_EVENT_ID_DISK_CHANGE:
    CALL((c, d, t, t, t, int, o), dom, e->t[0], e->t[1], e->t[2], NUMBER(0));
    return 1;
  case VIR_DOMAIN_EVENT_ID_TRAY_CHANGE:
    CALL((c, d, t, int, o), dom, e->t[0], NUMBER(0));
    return 1;
  case VIR_DOMAIN_EVENT_ID_TUNABLE:
  case VIR_DOMAIN_EVENT_ID_JOB_COMPLETED:
    CALL((c, d, virTypedParameterPtr, int, o), dom, e->params, e->params_count);
    return 1;
  case VIR_DOMAIN_EVENT_ID_METADATA_CHANGE:
    CALL((c, d, int, t, o), dom, NUMBER(0), e->t[0]);
    return 1;
  case VIR_DOMAIN_EVENT_ID_BLOCK_THRESHOLD:
    CALL((c, d, t, t, unsigned long long, unsigned long long, o), dom, e->t[0], e->t[1], (unsigned long long)e->n[0],
         (unsigned long long)e->n[1]);
    return 1;
  case VIR_DOMAIN_EVENT_ID_MEMORY_FAILURE:
    CALL((c, d, int, int, unsigned, o), dom, NUMBER(0), NUMBER(1), (unsigned)e->n[2]);
    return 1;
  case VIR_DOMAIN_EVENT_ID_MEMORY_DEVICE_SIZE_CHANGE:
    CALL((c, d, t, unsigned long long, o), dom, e->t[0], (unsigned long long)e->n[0]);
    return 1;
  case VIR_DOMAIN_EVENT_ID_GRAPHICS:
    fire_graphics(k, e);
    return 1;
  default: /* newer than this harness */
    return 0;
  }
}

/* Calls the callback; 0: with what is not known. */
static int fire_known(const struct known *k, const event *e)
{
  static int secret;
  switch (k->family) {
  case 'd':
    return fire_domain(k, e);
  case 'q':
    CALL((c, virDomainPtr, t, long long, unsigned, t, o), dom, e->t[0], e->n[0], (unsigned)e->n[1], e->t[1]);
    return 1;
  case 'c':
    CALL((c, int, o), NUMBER(0));
    return 1;
  case 'n':
    if (k->id != VIR_NETWORK_EVENT_ID_LIFECYCLE) /* newer than this harness */
      return 0;
    CALL((c, virNetworkPtr, int, int, o), network, NUMBER(0), NUMBER(1));
    return 1;
  case 'p':
    if (k->id == VIR_STORAGE_POOL_EVENT_ID_LIFECYCLE)
      CALL((c, virStoragePoolPtr, int, int, o), pool, NUMBER(0), NUMBER(1));
    else
      CALL((c, virStoragePoolPtr, o), pool);
    return 1;
  case 'v':
    if (k->id == VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE)
      CALL((c, virNodeDevicePtr, int, int, o), device, NUMBER(0), NUMBER(1));
    else
      CALL((c, virNodeDevicePtr, o), device);
    return 1;
  default:
    if (k->id == VIR_SECRET_EVENT_ID_LIFECYCLE)
      CALL((c, virSecretPtr, int, int, o), (virSecretPtr)&secret, NUMBER(0), NUMBER(1));
    else
      CALL((c, virSecretPtr, o), (virSecretPtr)&secret);
    return 1;
  }
}

/* ---- what the input chooses ---- */

/* Of a { field, type, number, text }. */
static virTypedParameter param(lua_State *L, int index)
{
  virTypedParameter p = {0};
  lua_rawgeti(L, index, 1);
  lua_rawgeti(L, index, 2);
  lua_rawgeti(L, index, 3);
  lua_rawgeti(L, index, 4);
  snprintf(p.field, sizeof p.field, "%s", lua_tostring(L, -4));
  p.type = (int)lua_tointeger(L, -3);
  long long number = lua_tointeger(L, -2);
  if (p.type == VIR_TYPED_PARAM_STRING)
    p.value.s = (char *)lua_tostring(L, -1); /* in the list, which stays */
  else if (p.type == VIR_TYPED_PARAM_BOOLEAN)
    p.value.b = number & 1;
  else
    memcpy(&p.value, &number, sizeof number);
  lua_pop(L, 4);
  return p;
}

/* fire(registration, three numbers, list of five texts or false, list of parameters): whether there is such an event. */
static int fire(lua_State *L)
{
  event e = {0};
  const struct known *k = &known[luaL_checkinteger(L, 1) % (count ? count : 1)];
  for (int i = 0; i < 3; i++)
    e.n[i] = luaL_checkinteger(L, 2 + i);
  for (int i = 0; i < 5; i++) {
    lua_rawgeti(L, 5, i + 1);
    e.t[i] = lua_tostring(L, -1); /* in the list, which stays */
    lua_pop(L, 1);
  }
  e.params_count = (int)lua_rawlen(L, 6);
  virTypedParameter params[e.params_count ? e.params_count : 1];
  for (int i = 0; i < e.params_count; i++) {
    lua_rawgeti(L, 6, i + 1);
    params[i] = param(L, lua_gettop(L));
    lua_pop(L, 1);
  }
  e.params = e.params_count ? params : NULL;
  lua_pushboolean(L, k->callback && fire_known(k, &e));
  return 1;
}

static const luaL_Reg natives[] = {{"begin", begin}, {"fire", fire}, {NULL, NULL}};
HARNESS("events", natives)
