/* Open files as arguments and as results. */
#ifndef GL_FILES_H
#define GL_FILES_H

#include "call/param.h"

/* The call's own copies of descriptors: the script may close its files while the call is under way. */
typedef struct gl_files {
  int *list;
  unsigned count;
} gl_files;

extern const gl_kind gl_files_kind; /* gl_files, which the op closes: one of Lua's files, or a list of them */

void gl_files_close(gl_files *files);

/* Pushes a file of Lua for reading and writing, which takes over the descriptor: it is -1 then. [-0, +1, e] */
void gl_files_push(lua_State *L, int *fd);

#endif
