#include "event/names.h"

#include <libvirt/libvirt.h>

static const char *const event_ids_names[] = {
  [VIR_DOMAIN_EVENT_ID_LIFECYCLE] = "lifecycle",
  [VIR_DOMAIN_EVENT_ID_REBOOT] = "reboot",
  [VIR_DOMAIN_EVENT_ID_RTC_CHANGE] = "rtc_change",
  [VIR_DOMAIN_EVENT_ID_WATCHDOG] = "watchdog",
  [VIR_DOMAIN_EVENT_ID_IO_ERROR] = "io_error",
  [VIR_DOMAIN_EVENT_ID_GRAPHICS] = "graphics",
  [VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON] = "io_error_reason",
  [VIR_DOMAIN_EVENT_ID_CONTROL_ERROR] = "control_error",
  [VIR_DOMAIN_EVENT_ID_BLOCK_JOB] = "block_job",
  [VIR_DOMAIN_EVENT_ID_DISK_CHANGE] = "disk_change",
  [VIR_DOMAIN_EVENT_ID_TRAY_CHANGE] = "tray_change",
  [VIR_DOMAIN_EVENT_ID_PMWAKEUP] = "pmwakeup",
  [VIR_DOMAIN_EVENT_ID_PMSUSPEND] = "pmsuspend",
  [VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE] = "balloon_change",
  [VIR_DOMAIN_EVENT_ID_PMSUSPEND_DISK] = "pmsuspend_disk",
  [VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED] = "device_removed",
  [VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2] = "block_job_2",
  [VIR_DOMAIN_EVENT_ID_TUNABLE] = "tunable",
  [VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE] = "agent_lifecycle",
  [VIR_DOMAIN_EVENT_ID_DEVICE_ADDED] = "device_added",
  [VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION] = "migration_iteration",
  [VIR_DOMAIN_EVENT_ID_JOB_COMPLETED] = "job_completed",
  [VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED] = "device_removal_failed",
  [VIR_DOMAIN_EVENT_ID_METADATA_CHANGE] = "metadata_change",
  [VIR_DOMAIN_EVENT_ID_BLOCK_THRESHOLD] = "block_threshold",
  [VIR_DOMAIN_EVENT_ID_MEMORY_FAILURE] = "memory_failure",
  [VIR_DOMAIN_EVENT_ID_MEMORY_DEVICE_SIZE_CHANGE] = "memory_device_size_change",
  [GL_EVENT_DISCONNECTED] = "disconnected",
  [GL_EVENT_RECONNECTED] = "reconnected",
};
const gl_enum gl_event_ids = GL_ENUM("event", event_ids_names);

static const char *const lifecycle_types_names[] = {
  [VIR_DOMAIN_EVENT_DEFINED] = "defined",     [VIR_DOMAIN_EVENT_UNDEFINED] = "undefined",     [VIR_DOMAIN_EVENT_STARTED] = "started",
  [VIR_DOMAIN_EVENT_SUSPENDED] = "suspended", [VIR_DOMAIN_EVENT_RESUMED] = "resumed",         [VIR_DOMAIN_EVENT_STOPPED] = "stopped",
  [VIR_DOMAIN_EVENT_SHUTDOWN] = "shutdown",   [VIR_DOMAIN_EVENT_PMSUSPENDED] = "pmsuspended", [VIR_DOMAIN_EVENT_CRASHED] = "crashed",
};
const gl_enum gl_lifecycle_types = GL_ENUM("lifecycle event", lifecycle_types_names);

static const char *const close_reasons_names[] = {
  [VIR_CONNECT_CLOSE_REASON_ERROR] = "error",
  [VIR_CONNECT_CLOSE_REASON_EOF] = "eof",
  [VIR_CONNECT_CLOSE_REASON_KEEPALIVE] = "keepalive",
  [VIR_CONNECT_CLOSE_REASON_CLIENT] = "client",
};
const gl_enum gl_close_reasons = GL_ENUM("reason", close_reasons_names);

static const char *const agent_states_names[] = {
  [VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_CONNECTED] = "connected",
  [VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_DISCONNECTED] = "disconnected",
};
const gl_enum gl_agent_states = GL_ENUM("agent state", agent_states_names);

static const char *const watchdog_actions_names[] = {
  [VIR_DOMAIN_EVENT_WATCHDOG_NONE] = "none",
};
const gl_enum gl_watchdog_actions = GL_ENUM("watchdog action", watchdog_actions_names);

static const char *const io_error_actions_names[] = {
  [VIR_DOMAIN_EVENT_IO_ERROR_NONE] = "none",
};
const gl_enum gl_io_error_actions = GL_ENUM("I/O error action", io_error_actions_names);

static const char *const graphics_phases_names[] = {
  [VIR_DOMAIN_EVENT_GRAPHICS_CONNECT] = "connect",
};
const gl_enum gl_graphics_phases = GL_ENUM("graphics phase", graphics_phases_names);

static const char *const disk_change_reasons_names[] = {
  [VIR_DOMAIN_EVENT_DISK_CHANGE_MISSING_ON_START] = "change_missing_on_start",
  [VIR_DOMAIN_EVENT_DISK_DROP_MISSING_ON_START] = "drop_missing_on_start",
};
const gl_enum gl_disk_change_reasons = GL_ENUM("reason", disk_change_reasons_names);

static const char *const tray_change_reasons_names[] = {
  [VIR_DOMAIN_EVENT_TRAY_CHANGE_OPEN] = "open",
};
const gl_enum gl_tray_change_reasons = GL_ENUM("reason", tray_change_reasons_names);

static const char *const agent_reasons_names[] = {
  [VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_REASON_UNKNOWN] = "unknown",
  [VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_REASON_DOMAIN_STARTED] = "domain_started",
  [VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_REASON_CHANNEL] = "channel",
};
const gl_enum gl_agent_reasons = GL_ENUM("reason", agent_reasons_names);

static const char *const memory_failure_recipients_names[] = {
  [VIR_DOMAIN_EVENT_MEMORY_FAILURE_RECIPIENT_HYPERVISOR] = "hypervisor",
  [VIR_DOMAIN_EVENT_MEMORY_FAILURE_RECIPIENT_GUEST] = "guest",
};
const gl_enum gl_memory_failure_recipients = GL_ENUM("recipient", memory_failure_recipients_names);

static const char *const memory_failure_actions_names[] = {
  [VIR_DOMAIN_EVENT_MEMORY_FAILURE_ACTION_IGNORE] = "ignore",
  [VIR_DOMAIN_EVENT_MEMORY_FAILURE_ACTION_INJECT] = "inject",
  [VIR_DOMAIN_EVENT_MEMORY_FAILURE_ACTION_FATAL] = "fatal",
  [VIR_DOMAIN_EVENT_MEMORY_FAILURE_ACTION_RESET] = "reset",
};
const gl_enum gl_memory_failure_actions = GL_ENUM("action", memory_failure_actions_names);

static const char *const metadata_types_names[] = {
  [VIR_DOMAIN_METADATA_DESCRIPTION] = "description",
  [VIR_DOMAIN_METADATA_TITLE] = "title",
  [VIR_DOMAIN_METADATA_ELEMENT] = "element",
};
const gl_enum gl_metadata_types = GL_ENUM("metadata type", metadata_types_names);

static const char *const defined_details_names[] = {
  [VIR_DOMAIN_EVENT_DEFINED_ADDED] = "added",
  [VIR_DOMAIN_EVENT_DEFINED_UPDATED] = "updated",
  [VIR_DOMAIN_EVENT_DEFINED_RENAMED] = "renamed",
  [VIR_DOMAIN_EVENT_DEFINED_FROM_SNAPSHOT] = "from_snapshot",
};
static const gl_enum defined_details = GL_ENUM("detail", defined_details_names);

static const char *const undefined_details_names[] = {
  [VIR_DOMAIN_EVENT_UNDEFINED_REMOVED] = "removed",
  [VIR_DOMAIN_EVENT_UNDEFINED_RENAMED] = "renamed",
};
static const gl_enum undefined_details = GL_ENUM("detail", undefined_details_names);

static const char *const started_details_names[] = {
  [VIR_DOMAIN_EVENT_STARTED_BOOTED] = "booted",     [VIR_DOMAIN_EVENT_STARTED_MIGRATED] = "migrated",
  [VIR_DOMAIN_EVENT_STARTED_RESTORED] = "restored", [VIR_DOMAIN_EVENT_STARTED_FROM_SNAPSHOT] = "from_snapshot",
  [VIR_DOMAIN_EVENT_STARTED_WAKEUP] = "wakeup",
};
static const gl_enum started_details = GL_ENUM("detail", started_details_names);

static const char *const suspended_details_names[] = {
  [VIR_DOMAIN_EVENT_SUSPENDED_PAUSED] = "paused",
  [VIR_DOMAIN_EVENT_SUSPENDED_MIGRATED] = "migrated",
  [VIR_DOMAIN_EVENT_SUSPENDED_IOERROR] = "ioerror",
  [VIR_DOMAIN_EVENT_SUSPENDED_WATCHDOG] = "watchdog",
  [VIR_DOMAIN_EVENT_SUSPENDED_RESTORED] = "restored",
  [VIR_DOMAIN_EVENT_SUSPENDED_FROM_SNAPSHOT] = "from_snapshot",
  [VIR_DOMAIN_EVENT_SUSPENDED_API_ERROR] = "api_error",
  [VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY] = "postcopy",
  [VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY_FAILED] = "postcopy_failed",
};
static const gl_enum suspended_details = GL_ENUM("detail", suspended_details_names);

static const char *const resumed_details_names[] = {
  [VIR_DOMAIN_EVENT_RESUMED_UNPAUSED] = "unpaused",
  [VIR_DOMAIN_EVENT_RESUMED_MIGRATED] = "migrated",
  [VIR_DOMAIN_EVENT_RESUMED_FROM_SNAPSHOT] = "from_snapshot",
  [VIR_DOMAIN_EVENT_RESUMED_POSTCOPY] = "postcopy",
  [VIR_DOMAIN_EVENT_RESUMED_POSTCOPY_FAILED] = "postcopy_failed",
};
static const gl_enum resumed_details = GL_ENUM("detail", resumed_details_names);

static const char *const stopped_details_names[] = {
  [VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN] = "shutdown",
  [VIR_DOMAIN_EVENT_STOPPED_DESTROYED] = "destroyed",
  [VIR_DOMAIN_EVENT_STOPPED_CRASHED] = "crashed",
  [VIR_DOMAIN_EVENT_STOPPED_MIGRATED] = "migrated",
  [VIR_DOMAIN_EVENT_STOPPED_SAVED] = "saved",
  [VIR_DOMAIN_EVENT_STOPPED_FAILED] = "failed",
  [VIR_DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT] = "from_snapshot",
};
static const gl_enum stopped_details = GL_ENUM("detail", stopped_details_names);

static const char *const shutdown_details_names[] = {
  [VIR_DOMAIN_EVENT_SHUTDOWN_FINISHED] = "finished",
  [VIR_DOMAIN_EVENT_SHUTDOWN_GUEST] = "guest",
  [VIR_DOMAIN_EVENT_SHUTDOWN_HOST] = "host",
};
static const gl_enum shutdown_details = GL_ENUM("detail", shutdown_details_names);

static const char *const pmsuspended_details_names[] = {
  [VIR_DOMAIN_EVENT_PMSUSPENDED_MEMORY] = "memory",
  [VIR_DOMAIN_EVENT_PMSUSPENDED_DISK] = "disk",
};
static const gl_enum pmsuspended_details = GL_ENUM("detail", pmsuspended_details_names);

static const char *const crashed_details_names[] = {
  [VIR_DOMAIN_EVENT_CRASHED_PANICKED] = "panicked",
  [VIR_DOMAIN_EVENT_CRASHED_CRASHLOADED] = "crashloaded",
};
static const gl_enum crashed_details = GL_ENUM("detail", crashed_details_names);

const gl_enum *const gl_lifecycle_details[] = {
  [VIR_DOMAIN_EVENT_DEFINED] = &defined_details,   [VIR_DOMAIN_EVENT_UNDEFINED] = &undefined_details,
  [VIR_DOMAIN_EVENT_STARTED] = &started_details,   [VIR_DOMAIN_EVENT_SUSPENDED] = &suspended_details,
  [VIR_DOMAIN_EVENT_RESUMED] = &resumed_details,   [VIR_DOMAIN_EVENT_STOPPED] = &stopped_details,
  [VIR_DOMAIN_EVENT_SHUTDOWN] = &shutdown_details, [VIR_DOMAIN_EVENT_PMSUSPENDED] = &pmsuspended_details,
  [VIR_DOMAIN_EVENT_CRASHED] = &crashed_details,
};
const int gl_lifecycle_details_count = sizeof gl_lifecycle_details / sizeof *gl_lifecycle_details;
