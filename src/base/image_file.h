/* Image files: made exclusively, identified by device and inode, and removed only if they are still the same file
 * (lua/guestlua/disk/image.lua). */
#ifndef GL_IMAGE_FILE_H
#define GL_IMAGE_FILE_H

#include <lua.h>

/* Sets make_image, find_image, remove_image, identify and image_lock in the table on top of the stack. [-0, +0, m] */
void gl_image_file_open(lua_State *L);

#endif
