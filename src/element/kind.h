/* XML as an argument. */
#ifndef GL_XML_KIND_H
#define GL_XML_KIND_H

#include "call/param.h"

extern const gl_kind gl_xml; /* const char *: XML text, or an Element */

#endif
