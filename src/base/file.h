/* Small files that survive a crash: for the journal (lua/guestlua/base/journal.lua). */
#ifndef GL_FILE_H
#define GL_FILE_H

#include <lua.h>

/* Sets write_file, read_file, remove_file, make_directory, list_directory, distrust_directory,
 * sync_file, free_space, secret_file, user and process in the table on top of the stack.
 * [-0, +0, m] */
void gl_file_open(lua_State *L);

/* The descriptor of a core.secret_file; negative: there is none at the index, or it is closed. [-0, +0, m] */
int gl_file_secret(lua_State *L, int index);

#endif
