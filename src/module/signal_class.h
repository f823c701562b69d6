/* Signal: lets tasks wait for each other, in the modules written in Lua. */
#ifndef GL_SIGNAL_CLASS_H
#define GL_SIGNAL_CLASS_H

#include "call/class.h"

/* core.signal */
extern const gl_opdef gl_signal_make;
extern const gl_class gl_signal_class;

#endif
