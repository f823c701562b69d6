/* StoragePool: what is written by hand. */
#include <lauxlib.h>
#include <string.h>

#include "base/error.h"
#include "call/kinds.h"
#include "event/subscription.h"
#include "virt/object/generated.h"
#include "virt/object/rows.h"

/* ---- a volume as an argument: gl_handle *, which the op holds ---- */

static void read_volume(lua_State *L, int index, const gl_reader *r)
{
  gl_object *o = gl_object_test(L, index, &gl_storagevol_named.type);
  if (!o)
    gl_kind_mismatch(L, index, r);
  if (o->closed)
    gl_error_throw(L, "closed", "%s: the StorageVol is closed", r->method);
  const gl_op *op = (const gl_op *)r->args;
  if (strcmp(op->connection->uri, o->connection->uri) != 0) /* libvirt would take the pool's own volume of that name */
    gl_error_argument(L, r->method, r->param->name, "a StorageVol of the same host expected, got one of another host");
  *(gl_handle **)r->field = gl_handle_ref(gl_named_handle(o));
}

static void show_volume(lua_State *L, const gl_param *p, const gl_args *args)
{
  lua_pushstring(L, (*(gl_handle *const *)gl_param_field(p, args))->name);
}
static const gl_kind volume_kind = {.name = "StorageVol", .read = read_volume, .show = show_volume};

/* ---- a copy ---- */

typedef struct from_op {
  gl_reply reply;
  const char *xml;
  gl_handle *volume;
} from_op;

static const gl_param from_params[] = {
  GL_ARG(from_op, xml, &gl_xml, "the new volume, a <volume> element"),
  GL_ARG(from_op, volume, &volume_kind, "the volume that it is a copy of"),
  GL_OPTION_FLAG("prealloc_metadata", VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA, "make the tables of the whole image at once"),
  GL_OPTION_FLAG("reflink", VIR_STORAGE_VOL_CREATE_REFLINK, "share the blocks, on file systems that can"),
  GL_END,
};

static int from_run(gl_op *op)
{
  from_op *self = (from_op *)op;
  return gl_reply_object(op, virStorageVolCreateXMLFrom(op->subject->ptr, self->xml, self->volume->ptr, op->args.flags));
}

static void from_release(gl_op *op)
{
  gl_reply_free_object(op);
  gl_handle_unref(((from_op *)op)->volume);
}
static const gl_opdef create_xml_from_def = {
  .name = "create_xml_from",
  .call = "virStorageVolCreateXMLFrom",
  .help = "Makes a volume with the contents of another one, which may be of another pool. volume:clone{} writes the XML.",
  .result = {"StorageVol"},
  .params = from_params,
  .size = sizeof(from_op),
  .gives = &gl_storagevol_named,
  .run = from_run,
  .push = gl_reply_push_object,
  .release = from_release,
  .slow = true,
  GL_CHANGE,
};

const gl_opdef *const gl_storagepool_ops[] = {&create_xml_from_def, &gl_subscribe_storagepool, NULL};
