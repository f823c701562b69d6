/* XML as an argument. */
#ifndef GL_XML_KIND_H
#define GL_XML_KIND_H

#include "call/op.h"

extern const gl_kind gl_xml; /* const char *: XML text, or an Element */

/* The `check` of a call with a device to detach as its first argument: libvirt's QEMU driver (9.0) crashes if it is a disk without a
 * target, and a daemon with it. */
void gl_xml_check_detached(lua_State *L, gl_op *op);

#endif
