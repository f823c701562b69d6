/* Domain: what Lua can call on it. */
#ifndef GL_GUEST_DOMAIN_H
#define GL_GUEST_DOMAIN_H

#include "call/class.h"

extern const gl_class gl_domain_class;
extern const gl_type gl_domain_type;       /* a Guest has its methods too */
extern const gl_opdef gl_guest_domain_def; /* the field of a Guest */

#endif
