/* BlockDevice: what Lua can call on it. */
#include "virt/disk/class.h"

#include "virt/disk/object.h"
#include "virt/disk/rows.h"

static const gl_opdef *const *const ops[] = {gl_block_device_start_ops, gl_block_device_job_ops, gl_block_device_size_ops,
                                             gl_block_device_info_ops, NULL};
static const gl_opdef *const fields[] = {&gl_block_device_name, &gl_block_device_guest, NULL};

const gl_class gl_block_device_class = {
  .type = &gl_block_device_type,
  .help = "One disk of a guest, and the job that runs on it: guest:get_block_device makes one. Keep it from the start of a job to its "
          "end: await_job receives the events of jobs started on the same object.",
  .ops = ops,
  .fields = fields,
  .tostring = gl_block_device_tostring,
};
