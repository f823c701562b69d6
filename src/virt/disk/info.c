/* BlockDevice: the disk's size. */
#include "virt/disk/rows.h"

typedef struct info_op {
  gl_op op;
  virDomainBlockInfo info;
} info_op;

static int get_block_info_run(gl_op *op)
{
  return virDomainGetBlockInfo(gl_op_domain(op), op->part, &((info_op *)op)->info, 0);
}

static int get_block_info_push(lua_State *L, gl_op *op)
{
  const virDomainBlockInfo *info = &((info_op *)op)->info;
  lua_createtable(L, 0, 3);
  lua_pushinteger(L, (lua_Integer)info->capacity);
  lua_setfield(L, -2, "capacity");
  lua_pushinteger(L, (lua_Integer)info->allocation);
  lua_setfield(L, -2, "allocation");
  lua_pushinteger(L, (lua_Integer)info->physical);
  lua_setfield(L, -2, "physical");
  return 1;
}

static const gl_result_field block_info_fields[] = {
  {"capacity", "integer", "bytes that the guest sees"},
  {"allocation", "integer", "bytes that are written"},
  {"physical", "integer", "bytes that its image takes"},
  {NULL, NULL, NULL},
};
static const gl_opdef get_block_info_def = {
  .name = "get_block_info",
  .call = "virDomainGetBlockInfo",
  .help = "The disk's size. Not in the reference.",
  .result = {"table"},
  .fields = block_info_fields,
  .size = sizeof(info_op),
  .run = get_block_info_run,
  .push = get_block_info_push,
  GL_LOOK,
};

const gl_opdef *const gl_block_device_info_ops[] = {&get_block_info_def, NULL};
