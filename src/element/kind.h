/* XML as an argument. */
#ifndef GL_XML_KIND_H
#define GL_XML_KIND_H

#include "call/param.h"

extern const gl_kind gl_xml; /* const char *: XML text, or an Element */

/* The same for a device that is to go: a disk has to have its target, as libvirt's QEMU driver (9.0) crashes without it, and a daemon with
 * it. */
extern const gl_kind gl_xml_detached;

#endif
