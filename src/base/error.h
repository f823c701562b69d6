/*
 * guestlua.Error: one table for every failure.
 *
 *   kind     a stable name: libvirt's code ("no_domain", "operation_timeout"), or ours: "bad_argument", "closed", "interrupted", "timeout"
 *   message  libvirt's own text, or ours
 *   code, domain, level          libvirt's, if the error is libvirt's
 *   op, call                     the method, and the function of libvirt behind it
 *   host, guest, device          what it was about; device_type: "disk" if the device is one
 *   object, object_type          the same, for what is no guest: its name, and "network", "volume", "snapshot" ...
 *   where                        the script's line
 *   hint                         what to do next, if that is known
 *   workflow, step, outcome      of a workflow: which, where it failed, and how it left things
 *   undoing                      a list of the errors that came while undoing
 *   still_running                true if the call goes on in libvirt although nobody waits for it any more
 *   may_change                   true if that call can still change something
 */
#ifndef GL_ERROR_H
#define GL_ERROR_H

#include <lua.h>
#include <stdbool.h>

/* Raises an error of this library. [-0, +0, v] */
_Noreturn void gl_error_throw(lua_State *L, const char *kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Raises "bad argument '<argument>' to '<method>' (<what is wrong>)". If a hint is on top of the stack, gl_error_argument_hinted takes it.
 * [-0, +0, v] */
_Noreturn void gl_error_argument(lua_State *L, const char *method, const char *argument, const char *fmt, ...)
  __attribute__((format(printf, 4, 5)));
_Noreturn void gl_error_argument_hinted(lua_State *L, const char *method, const char *argument, const char *fmt, ...)
  __attribute__((format(printf, 4, 5)));

/* Pushes an error of that kind, with the line of the script and a hint; sets a field of the error on top of the stack, unless it is NULL.
 * [-0, +1, m] [-0, +0, m] */
void gl_error_push(lua_State *L, const char *kind);
void gl_error_set(lua_State *L, const char *key, const char *value);

/* Sets what to do next, if that is known of the kind, in that method, about that subject ("host", "guest", "agent", "disk"; NULL: not
 * said), and gives whether it is. [-0, +0, m] */
bool gl_error_set_hint(lua_State *L, const char *kind, const char *op, const char *subject);

/* What a message calls the value at index: the name of its class, as "Guest", or its type. [-0, +0, m] */
const char *gl_error_type_name(lua_State *L, int index);

/* Registers the class. [-0, +1 (its methods table), m] */
void gl_error_open(lua_State *L);

#endif
