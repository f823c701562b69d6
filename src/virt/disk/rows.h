/* BlockDevice's methods, by what they are about: a file each. */
#ifndef GL_DISK_ROWS_H
#define GL_DISK_ROWS_H

#include "call/op.h"

extern const gl_opdef *const gl_block_device_start_ops[]; /* starting jobs */
extern const gl_opdef *const gl_block_device_job_ops[];   /* looking at them, ending them */
extern const gl_opdef *const gl_block_device_info_ops[];  /* how large it is */
extern const gl_opdef *const gl_block_device_size_ops[];  /* size and counters */

#endif
