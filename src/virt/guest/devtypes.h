/* Kinds of devices, by the names of libvirt's elements and of the reference's classes. */
#ifndef GL_DEVTYPES_H
#define GL_DEVTYPES_H

#include <libxml/tree.h>
#include <lua.h>
#include <stdbool.h>

/* Raises "bad_argument" of the method if there is no such kind. [-0, +0, v] */
void gl_devtype_check(lua_State *L, const char *method, const char *devtype);

/* Whether the element is a device of that kind. Any thread. */
bool gl_devtype_matches(xmlNodePtr device, const char *wanted);

#endif
