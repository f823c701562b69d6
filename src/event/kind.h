/*
 * The kinds of events that libvirt has: their callbacks, which copy nothing and only put what they got into a gl_event_data, and what its
 * parts are called in Lua.
 */
#ifndef GL_KIND_H
#define GL_KIND_H

#include <libvirt/libvirt.h>
#include <lua.h>

#include "base/names.h"
#include "event/queue.h"

/* One field of the event's table. */
struct gl_event_field {
  const char *name; /* NULL ends the list */
  enum { GL_EVENT_NUMBER, GL_EVENT_TEXT, GL_EVENT_PARAMS } part;
  int index;                      /* in numbers or texts */
  const gl_enum *names;           /* of the number; NULL: it is just a number */
  const gl_enum *const *names_of; /* of the number, by numbers[0] */
};

const gl_event_kind *gl_event_kind_of(int id);

/* Pushes the event's own fields into the table on top of the stack. [-0, +0, m] */
void gl_event_push_fields(lua_State *L, const gl_event_kind *kind, const gl_event_data *data);

#endif
