/*
 * The kinds of events, with the names of their parts in Lua. They are made from libvirt's description of itself
 * (src/virt/generate/events.lua), with a callback each, which copies nothing and only puts its arguments into a gl_event_data.
 */
#ifndef GL_KIND_H
#define GL_KIND_H

#include <libvirt/libvirt-qemu.h>
#include <lua.h>

#include "base/names.h"
#include "event/family.h"
#include "event/queue.h"

/* An event's number is its bit in a set of events: libvirt's own number, from where those of its family begin. The connection's own reports
 * are no events of libvirt's, but delivered in the same way. */
enum {
  GL_EVENTS_OF_GUESTS = 0,
  GL_EVENTS_OF_NETWORKS = 40,
  GL_EVENTS_OF_POOLS = 45,
  GL_EVENTS_OF_DEVICES = 50,
  GL_EVENTS_OF_SECRETS = 55,
  GL_EVENT_QEMU_MONITOR = 60,
  GL_EVENT_DISCONNECTED = 61,
  GL_EVENT_RECONNECTED = 62,
  GL_EVENT_COUNT
};

/* One field of the event's table. */
typedef struct gl_event_field {
  const char *name; /* NULL ends the list */
  enum { GL_EVENT_NUMBER, GL_EVENT_TEXT, GL_EVENT_PARAMS } part;
  int index;                      /* in numbers or texts */
  const gl_enum *names;           /* of the number; NULL: it is a plain number */
  const gl_enum *const *names_of; /* of the number, by numbers[0] */
  int count;                      /* of names_of */
} gl_event_field;

struct gl_event_kind {
  int number;
  int id; /* libvirt's, in its family */
  const char *name;
  const gl_event_family *family; /* NULL: libvirt knows of no such event */
  void (*callback)(void);        /* its opaque is passed to one of the functions of family.h */
  const gl_event_field *fields;
};

/* By the number; one without a name is none. */
extern const gl_event_kind gl_event_kinds[GL_EVENT_COUNT];

/* The names that objects of a class can subscribe to, by the number. */
extern const gl_enum gl_event_names_host, gl_event_names_guest, gl_event_names_network, gl_event_names_storagepool,
  gl_event_names_nodedevice, gl_event_names_secret;

/* Pushes the event's own fields into the table on top of the stack. [-0, +0, m] */
void gl_event_push_fields(lua_State *L, const gl_event_kind *kind, const gl_event_data *data);

#endif
