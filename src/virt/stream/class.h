/* Stream: what Lua can call on a console or a channel. */
#ifndef GL_STREAM_CLASS_H
#define GL_STREAM_CLASS_H

#include "call/class.h"

extern const gl_class gl_stream_class;

/* Guest's methods that make one. */
extern const gl_opdef *const gl_guest_stream_ops[];

#endif
