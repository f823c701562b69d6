#include "event/kind.h"

#include <lauxlib.h>
#include <string.h>

#include "call/libvirt_names.h"
#include "call/push.h"
#include "event/names.h"
#include "event/queue.h"

/* ---- callbacks, by their arguments. All of them run on the event thread. ---- */

#define DELIVER(...)                          \
  do {                                        \
    const gl_event_data data = {__VA_ARGS__}; \
    (void)conn;                               \
    gl_event_deliver(opaque, dom, &data);     \
  } while (0)

static void on_nothing(virConnectPtr conn, virDomainPtr dom, void *opaque)
{
  DELIVER(0);
}

static void on_number(virConnectPtr conn, virDomainPtr dom, int a, void *opaque)
{
  DELIVER(.numbers = {a});
}

static void on_long(virConnectPtr conn, virDomainPtr dom, long long a, void *opaque)
{
  DELIVER(.numbers = {a});
}

static void on_size(virConnectPtr conn, virDomainPtr dom, unsigned long long a, void *opaque)
{
  DELIVER(.numbers = {(long long)a});
}

static void on_two_numbers(virConnectPtr conn, virDomainPtr dom, int a, int b, void *opaque)
{
  DELIVER(.numbers = {a, b});
}

static int on_lifecycle(virConnectPtr conn, virDomainPtr dom, int type, int detail, void *opaque)
{
  on_two_numbers(conn, dom, type, detail, opaque);
  return 0;
}

static void on_memory_failure(virConnectPtr conn, virDomainPtr dom, int recipient, int action, unsigned flags, void *opaque)
{
  DELIVER(.numbers = {recipient, action, flags});
}

static void on_text(virConnectPtr conn, virDomainPtr dom, const char *a, void *opaque)
{
  DELIVER(.texts = {a});
}

static void on_text_number(virConnectPtr conn, virDomainPtr dom, const char *a, int b, void *opaque)
{
  DELIVER(.texts = {a}, .numbers = {b});
}

static void on_number_text(virConnectPtr conn, virDomainPtr dom, int a, const char *b, void *opaque)
{
  DELIVER(.numbers = {a}, .texts = {b});
}

static void on_text_size(virConnectPtr conn, virDomainPtr dom, const char *a, unsigned long long b, void *opaque)
{
  DELIVER(.texts = {a}, .numbers = {(long long)b});
}

static void on_block_job(virConnectPtr conn, virDomainPtr dom, const char *disk, int type, int status, void *opaque)
{
  DELIVER(.texts = {disk}, .numbers = {type, status});
}

static void on_io_error(virConnectPtr conn, virDomainPtr dom, const char *path, const char *alias, int action, void *opaque)
{
  DELIVER(.texts = {path, alias}, .numbers = {action});
}

static void on_io_error_reason(virConnectPtr conn, virDomainPtr dom, const char *path, const char *alias, int action, const char *reason,
                               void *opaque)
{
  DELIVER(.texts = {path, alias, reason}, .numbers = {action});
}

static void on_disk_change(virConnectPtr conn, virDomainPtr dom, const char *before, const char *after, const char *alias, int reason,
                           void *opaque)
{
  DELIVER(.texts = {before, after, alias}, .numbers = {reason});
}

static void on_block_threshold(virConnectPtr conn, virDomainPtr dom, const char *dev, const char *path, unsigned long long threshold,
                               unsigned long long excess, void *opaque)
{
  DELIVER(.texts = {dev, path}, .numbers = {(long long)threshold, (long long)excess});
}

static void on_params(virConnectPtr conn, virDomainPtr dom, virTypedParameterPtr params, int count, void *opaque)
{
  DELIVER(.params = params, .params_count = count);
}

static void on_graphics(virConnectPtr conn, virDomainPtr dom, int phase, const virDomainEventGraphicsAddress *local,
                        const virDomainEventGraphicsAddress *remote, const char *scheme, const virDomainEventGraphicsSubject *subject,
                        void *opaque)
{
  (void)subject; /* left out: the user is in the guest's own log, and may be a secret here */
  DELIVER(.numbers = {phase}, .texts = {local->node, local->service, remote->node, remote->service, scheme});
}

/* ---- names of the parts ---- */

#define NUMBER(name_, index_, names_)                                        \
  {                                                                          \
    .name = name_, .part = GL_EVENT_NUMBER, .index = index_, .names = names_ \
  }
#define TEXT(name_, index_)                               \
  {                                                       \
    .name = name_, .part = GL_EVENT_TEXT, .index = index_ \
  }
#define PARAMS(name_)                      \
  {                                        \
    .name = name_, .part = GL_EVENT_PARAMS \
  }
#define KIND(id_, callback_, ...)                                                                                         \
  {                                                                                                                       \
    .id = VIR_DOMAIN_EVENT_ID_##id_, .callback = VIR_DOMAIN_EVENT_CALLBACK(callback_), .fields = (const gl_event_field[]) \
    {                                                                                                                     \
      __VA_ARGS__                                                                                                         \
      {                                                                                                                   \
        .name = NULL                                                                                                      \
      }                                                                                                                   \
    }                                                                                                                     \
  }

static const gl_event_kind kinds[] = {
  KIND(LIFECYCLE, on_lifecycle, NUMBER("type", 0, &gl_lifecycle_types),
       {.name = "detail", .part = GL_EVENT_NUMBER, .index = 1, .names_of = gl_lifecycle_details}, ),
  KIND(REBOOT, on_nothing, ),
  KIND(RTC_CHANGE, on_long, NUMBER("utcoffset", 0, NULL), ),
  KIND(WATCHDOG, on_number, NUMBER("action", 0, &gl_watchdog_actions), ),
  KIND(IO_ERROR, on_io_error, TEXT("src_path", 0), TEXT("dev_alias", 1), NUMBER("action", 0, &gl_io_error_actions), ),
  KIND(GRAPHICS, on_graphics, NUMBER("phase", 0, &gl_graphics_phases), TEXT("local_node", 0), TEXT("local_service", 1),
       TEXT("remote_node", 2), TEXT("remote_service", 3), TEXT("auth_scheme", 4), ),
  KIND(IO_ERROR_REASON, on_io_error_reason, TEXT("src_path", 0), TEXT("dev_alias", 1), TEXT("reason", 2),
       NUMBER("action", 0, &gl_io_error_actions), ),
  KIND(CONTROL_ERROR, on_nothing, ),
  KIND(BLOCK_JOB, on_block_job, TEXT("disk", 0), NUMBER("type", 0, &gl_block_job_types), NUMBER("status", 1, &gl_block_job_statuses), ),
  KIND(DISK_CHANGE, on_disk_change, TEXT("old_src_path", 0), TEXT("new_src_path", 1), TEXT("dev_alias", 2),
       NUMBER("reason", 0, &gl_disk_change_reasons), ),
  KIND(TRAY_CHANGE, on_text_number, TEXT("dev_alias", 0), NUMBER("reason", 0, &gl_tray_change_reasons), ),
  KIND(PMWAKEUP, on_number, NUMBER("reason", 0, NULL), ),
  KIND(PMSUSPEND, on_number, NUMBER("reason", 0, NULL), ),
  KIND(BALLOON_CHANGE, on_size, NUMBER("actual", 0, NULL), ),
  KIND(PMSUSPEND_DISK, on_number, NUMBER("reason", 0, NULL), ),
  KIND(DEVICE_REMOVED, on_text, TEXT("dev_alias", 0), ),
  KIND(BLOCK_JOB_2, on_block_job, TEXT("disk", 0), NUMBER("type", 0, &gl_block_job_types), NUMBER("status", 1, &gl_block_job_statuses), ),
  KIND(TUNABLE, on_params, PARAMS("params"), ),
  KIND(AGENT_LIFECYCLE, on_two_numbers, NUMBER("state", 0, &gl_agent_states), NUMBER("reason", 1, &gl_agent_reasons), ),
  KIND(DEVICE_ADDED, on_text, TEXT("dev_alias", 0), ),
  KIND(MIGRATION_ITERATION, on_number, NUMBER("iteration", 0, NULL), ),
  KIND(JOB_COMPLETED, on_params, PARAMS("params"), ),
  KIND(DEVICE_REMOVAL_FAILED, on_text, TEXT("dev_alias", 0), ),
  KIND(METADATA_CHANGE, on_number_text, NUMBER("type", 0, &gl_metadata_types), TEXT("nsuri", 0), ),
  KIND(BLOCK_THRESHOLD, on_block_threshold, TEXT("dev", 0), TEXT("path", 1), NUMBER("threshold", 0, NULL), NUMBER("excess", 1, NULL), ),
  KIND(MEMORY_FAILURE, on_memory_failure, NUMBER("recipient", 0, &gl_memory_failure_recipients),
       NUMBER("action", 1, &gl_memory_failure_actions), NUMBER("flags", 2, NULL), ),
  KIND(MEMORY_DEVICE_SIZE_CHANGE, on_text_size, TEXT("alias", 0), NUMBER("size", 0, NULL), ),
  {.id = GL_EVENT_DISCONNECTED, .fields = (const gl_event_field[]){NUMBER("reason", 0, &gl_close_reasons), {.name = NULL}}},
  {.id = GL_EVENT_RECONNECTED, .fields = (const gl_event_field[]){NUMBER("gap", 0, NULL), {.name = NULL}}},
};

const gl_event_kind *gl_event_kind_of(int id)
{
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (kinds[i].id == id)
      return &kinds[i];
  return NULL;
}

/* ---- Lua ---- */

static void push_number(lua_State *L, const gl_event_field *f, const gl_event_data *data)
{
  const gl_enum *names = f->names;
  if (f->names_of && data->numbers[0] >= 0 && data->numbers[0] < gl_lifecycle_details_count)
    names = f->names_of[data->numbers[0]];
  if (names)
    gl_enum_push(L, names, (int)data->numbers[f->index]);
  else
    lua_pushinteger(L, data->numbers[f->index]);
}

void gl_event_push_fields(lua_State *L, const gl_event_kind *kind, const gl_event_data *data)
{
  for (const gl_event_field *f = kind->fields; f->name; f++) {
    switch (f->part) {
    case GL_EVENT_NUMBER:
      push_number(L, f, data);
      break;
    case GL_EVENT_TEXT:
      lua_pushstring(L, data->texts[f->index]);
      break;
    case GL_EVENT_PARAMS:
      gl_push_params(L, data->params, data->params_count);
      break;
    }
    lua_setfield(L, -2, f->name);
  }
}
