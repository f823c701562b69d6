#include "virt/disk/object.h"

#include <lauxlib.h>
#include <string.h>

#include "base/error.h"
#include "base/printable.h"
#include "call/push.h"
#include "event/registration.h"
#include "virt/guest/object.h"

static void block_device_bind(lua_State *L, gl_object *self, gl_op *op)
{
  gl_block_device *b = (gl_block_device *)self;
  if (b->guest->closed)
    gl_error_throw(L, "closed", "%s: the Guest of disk '%s' is closed", op->def->name, b->disk);
  gl_guest_bind(L, b->guest, op);
  op->part = b->disk;
  op->part_type = "disk";
}

static void block_device_close(gl_object *self)
{
  gl_sub_drop(((gl_block_device *)self)->events);
}

const gl_type gl_block_device_type = {.name = "BlockDevice", .bind = block_device_bind, .close = block_device_close};

int gl_block_device_tostring(lua_State *L)
{
  gl_block_device *b = (gl_block_device *)gl_object_test(L, 1, &gl_block_device_type);
  bool open = b && !b->object.closed && !b->guest->closed;
  if (open)
    lua_pushfstring(L, "<BlockDevice %s of %s>", b->disk, virDomainGetName(gl_guest_domain(b->guest)));
  else
    lua_pushliteral(L, "<BlockDevice (closed)>");
  gl_printable_push(L, -1, GL_ESCAPE_LINES);
  return 1;
}

/* ---- Guest.get_block_device ---- */

typedef struct get_block_device_op {
  gl_op op;
  const char *disk;
} get_block_device_op;

static const gl_param get_block_device_params[] = {
  GL_ARG(get_block_device_op, disk, &gl_string, "the disk's target, as in \"vda\", or the path of its source"),
  GL_END,
};

static int get_block_device_push(lua_State *L, gl_op *op)
{
  const char *disk = ((get_block_device_op *)op)->disk;
  if (!*disk)
    gl_error_argument(L, "get_block_device", "disk", "the name of a disk expected, got an empty string");
  gl_block_device *b = gl_object_new(L, &gl_block_device_type, sizeof *b + strlen(disk) + 1, GL_DISK_EVENTS);
  b->guest = lua_touserdata(L, 1);
  strcpy(b->disk, disk);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, GL_DISK_GUEST);
  gl_object_adopt(L, &b->object, op->connection);
  return 1;
}
const gl_opdef gl_get_block_device = {
  .name = "get_block_device",
  .help = "One disk of the guest. It does not check that the guest has such a disk: the first call on it does.",
  .result = {"BlockDevice"},
  .params = get_block_device_params,
  .size = sizeof(get_block_device_op),
  .run = gl_run_nothing,
  .push = get_block_device_push,
  .memory = true,
};

/* ---- fields ---- */

static int name_push(lua_State *L, gl_op *op)
{
  lua_pushstring(L, op->part);
  return 1;
}
const gl_opdef gl_block_device_name = {
  .name = "name",
  .help = "The name passed to get_block_device.",
  .result = {"string"},
  .run = gl_run_nothing,
  .push = name_push,
  .memory = true,
};

static int guest_push(lua_State *L, gl_op *op)
{
  (void)op;
  lua_getiuservalue(L, 1, GL_DISK_GUEST);
  return 1;
}
const gl_opdef gl_block_device_guest = {
  .name = "guest",
  .help = "The guest of the disk.",
  .result = {"Guest"},
  .run = gl_run_nothing,
  .push = guest_push,
  .memory = true,
};
