/* Host's methods, a file for each topic. */
#ifndef GL_HOST_ROWS_H
#define GL_HOST_ROWS_H

#include "call/op.h"

extern const gl_opdef *const gl_host_guests_ops[];
extern const gl_opdef *const gl_host_reconnect_ops[];
extern const gl_opdef *const gl_host_node_ops[]; /* the machine itself */
extern const gl_opdef *const gl_host_file_ops[]; /* guests with open files: virt/guest/files.c */

#endif
