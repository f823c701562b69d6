/* libvirt's names for the numbers in its events. */
#ifndef GL_EVENT_NAMES_H
#define GL_EVENT_NAMES_H

#include <libvirt/libvirt.h>

#include "base/names.h"

/* The connection's own reports: not libvirt events, but delivered in the same way. */
enum { GL_EVENT_DISCONNECTED = VIR_DOMAIN_EVENT_ID_MEMORY_DEVICE_SIZE_CHANGE + 1, GL_EVENT_RECONNECTED, GL_EVENT_COUNT };

extern const gl_enum gl_event_ids; /* by libvirt's number */
extern const gl_enum gl_lifecycle_types;
extern const gl_enum gl_close_reasons;
extern const gl_enum gl_agent_states;
extern const gl_enum gl_watchdog_actions;
extern const gl_enum gl_io_error_actions;
extern const gl_enum gl_graphics_phases;
extern const gl_enum gl_disk_change_reasons;
extern const gl_enum gl_tray_change_reasons;
extern const gl_enum gl_agent_reasons;
extern const gl_enum gl_memory_failure_recipients;
extern const gl_enum gl_memory_failure_actions;
extern const gl_enum gl_metadata_types;

/* The names of a lifecycle event's detail, by the event's type. */
extern const gl_enum *const gl_lifecycle_details[];
extern const int gl_lifecycle_details_count;

#endif
