/* What is on a guest's screen, as a file. */
#include "call/push.h"
#include "call/values.h"
#include "virt/guest/object.h"
#include "virt/guest/rows.h"
#include "virt/object/transfer.h"

static const gl_param params[] = {
  GL_ARG(gl_transfer, path, &gl_string, "the file of this machine, which its owner alone can read"),
  {.name = "screen", .kind = &gl_integer, .max = 255, .offset = offsetof(gl_transfer, offset), .help = "which screen, from 0 up"},
  GL_OPTION(gl_transfer, overwrite, &gl_boolean, "take the place of a file that is there"),
  GL_END,
};

static int begin(gl_transfer *t, virStreamPtr stream, bool sparse)
{
  (void)sparse;
  t->text = virDomainScreenshot(gl_op_domain(&t->op), stream, (unsigned)t->offset, 0);
  return t->text ? 0 : -1;
}

static int run(gl_op *op)
{
  ((gl_transfer *)op)->plain = true;
  return gl_transfer_receive((gl_transfer *)op, begin);
}

static int push(lua_State *L, gl_op *op)
{
  lua_pushstring(L, ((gl_transfer *)op)->text);
  return 1;
}
static const gl_opdef screenshot_def = {
  .name = "screenshot",
  .call = "virDomainScreenshot",
  .help = "Writes what is on the guest's screen into a file of this machine, which is whole or not there.",
  .result = {"string"},
  .returns = "string: the type of the file, as \"image/x-portable-pixmap\"",
  .params = params,
  .size = sizeof(gl_transfer),
  .run = run,
  .push = push,
  .stop = gl_transfer_stop,
  .release = gl_transfer_release,
  .lane = GL_LANE_BESIDE,
};

const gl_opdef *const gl_domain_screen_ops[] = {&screenshot_def, NULL};
