/* NodeDevice: what is written by hand. */
#include <lauxlib.h>
#include <stdlib.h>

#include "event/subscription.h"
#include "virt/object/generated.h"
#include "virt/object/rows.h"

static int list_caps_run(gl_op *op)
{
  int most = virNodeDeviceNumOfCaps(op->subject->ptr);
  if (most < 0)
    return -1;
  char **list = calloc((size_t)most + 1, sizeof *list);
  if (!list)
    return gl_op_fail(op, "no_memory", "out of memory");
  return gl_reply_list(op, list, virNodeDeviceListCaps(op->subject->ptr, list, most));
}
static const gl_opdef list_caps_def = {
  .name = "list_caps",
  .call = "virNodeDeviceListCaps",
  .help = "What the device is and can do, as \"pci\", \"net\".",
  .result = {"string[]"},
  .size = sizeof(gl_reply),
  .run = list_caps_run,
  .push = gl_reply_push_texts,
  .release = gl_reply_free_texts,
  GL_LOOK,
};

const gl_opdef *const gl_nodedevice_ops[] = {&list_caps_def, &gl_subscribe_nodedevice, NULL};
