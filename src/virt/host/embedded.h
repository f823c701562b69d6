/* guestlua.embedded: libvirt's QEMU driver inside this process. */
#ifndef GL_EMBEDDED_H
#define GL_EMBEDDED_H

#include "call/op.h"

/* Prepares the directory for qemu:///embed and returns its URI. */
extern const gl_opdef gl_embedded_prepare;

#endif
