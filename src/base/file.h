/* Small files that survive a crash: for the journal (lua/guestlua/base/journal.lua). */
#ifndef GL_FILE_H
#define GL_FILE_H

#include <lua.h>
#include <sys/types.h>

/* Sets write_file, read_file, remove_file, make_directory, list_directory, distrust_directory, sync_file, absolute, free_space,
 * secret_file, user and process in the table on top of the stack. [-0, +0, m] */
void gl_file_open(lua_State *L);

/* Writes a file, atomic for readers and across a crash: it is on the disk when it returns. Nobody can have made the file that it is at
 * first. 0, or errno. Any thread. */
int gl_file_write(const char *path, const char *text, size_t length, mode_t mode);

/* Writes all of it. 0, or -1 with errno. Any thread. */
int gl_file_write_all(int fd, const char *text, size_t length);

/* Raises that this cannot be done to the file: "cannot write 'PATH': …". error: errno. [-0, +0, v] */
_Noreturn void gl_file_fail(lua_State *L, const char *what, const char *path, int error);

/* The descriptor of a core.secret_file; negative: there is none at the index, or it is closed. [-0, +0, m] */
int gl_file_secret(lua_State *L, int index);

#endif
