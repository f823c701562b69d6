/* Copies of disks over NBD, for the modules in Lua. */
#ifndef GL_NBD_OPEN_H
#define GL_NBD_OPEN_H

#include <lua.h>

/*
 * Sets nbd_copy and sha256 in the table on top of the stack; nbd_copy is false if this was built without libnbd. [-0, +0, m]
 *
 * core.nbd_copy{ from=, to=, bitmap=, made=, lists=, compare=, whole=, rate= } starts a copy: copy.h says what they mean. from, to: a URI,
 * or a list of a program and its arguments, which gets a socket to serve on. lists: of { path, sha256 or nil }.
 *
 *   copy:wait(seconds)     whether it is over by then, however it ended
 *   copy:progress()        { size, at, read, written, zeroed }, bytes
 *   copy:result()          the same, made_sha256 and image_sha256; raises what it failed with. After wait
 *   copy:close()           ends it if it goes on; also when it is closed or collected
 */
void gl_nbd_open(lua_State *L);

#endif
