/* The modules written in Lua, compiled into the program. modules.c is made by embed.lua. */
#ifndef GL_MODULES_H
#define GL_MODULES_H

#include <stddef.h>

typedef struct gl_module {
  const char *name, *source;
  const unsigned char *code;
  size_t size;
} gl_module;

extern const gl_module gl_modules[]; /* ends with a NULL name */

#endif
