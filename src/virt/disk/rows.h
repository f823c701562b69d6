/* BlockDevice's methods, a file for each topic. */
#ifndef GL_DISK_ROWS_H
#define GL_DISK_ROWS_H

#include "call/op.h"

extern const gl_opdef *const gl_block_device_start_ops[]; /* starting jobs */
extern const gl_opdef *const gl_block_device_job_ops[];   /* their progress and their end */
extern const gl_opdef *const gl_block_device_info_ops[];  /* get_block_info */
extern const gl_opdef *const gl_block_device_size_ops[];  /* size and counters */

#endif
