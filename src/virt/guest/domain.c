/* Domain: a guest under libvirt's own names. It holds nothing of libvirt's itself, and is of no use once the Guest is closed. */
#include "virt/guest/domain.h"

#include <lauxlib.h>

#include "base/error.h"
#include "base/printable.h"
#include "call/push.h"
#include "virt/guest/object.h"
#include "virt/guest/rows.h"
#include "virt/guest/stats.h"
#include "virt/object/generated.h"

typedef struct domain_object {
  gl_object object;
  gl_object *guest;
} domain_object;

static void domain_bind(lua_State *L, gl_object *self, gl_op *op)
{
  gl_object *guest = ((domain_object *)self)->guest;
  if (guest->closed)
    gl_error_throw(L, "closed", "%s: the Guest of this Domain is closed", op->def->name);
  gl_guest_bind(L, guest, op);
}

const gl_type gl_domain_type = {.name = "Domain", .bind = domain_bind, .outlives = true, .also = &gl_guest_type};

static int domain_tostring(lua_State *L)
{
  domain_object *d = (domain_object *)lua_touserdata(L, 1);
  if (d->object.closed || d->guest->closed)
    lua_pushliteral(L, "<Domain (closed)>");
  else
    lua_pushfstring(L, "<Domain %s>", virDomainGetName(gl_guest_domain(d->guest)));
  gl_printable_push(L, -1, GL_ESCAPE_LINES);
  return 1;
}

static int domain_push(lua_State *L, gl_op *op)
{
  domain_object *d = gl_object_new(L, &gl_domain_type, sizeof *d, 1);
  d->guest = lua_touserdata(L, 1);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  gl_object_adopt(L, &d->object, op->connection);
  return 1;
}
const gl_opdef gl_guest_domain_def = {
  .name = "domain",
  .help = "The same guest under libvirt's own names, all of them: guest.domain:create() is guest:launch(). Those names that a Guest has "
          "not itself it takes from here, so that guest:reboot() is guest.domain:reboot().",
  .result = {"Domain"},
  .run = gl_run_nothing,
  .push = domain_push,
  .memory = true,
};

static int guest_push(lua_State *L, gl_op *op)
{
  (void)op;
  lua_getiuservalue(L, 1, 1);
  return 1;
}
static const gl_opdef guest_def = {
  .name = "guest",
  .help = "The Guest that it is.",
  .result = {"Guest"},
  .run = gl_run_nothing,
  .push = guest_push,
  .memory = true,
};

static const gl_opdef *const *const ops[] = {gl_domain_calls,     gl_domain_cpu_ops,    gl_domain_memory_ops, gl_domain_list_ops,
                                             gl_domain_stats_ops, gl_domain_screen_ops, gl_domain_file_ops,   NULL};
static const gl_opdef *const fields[] = {&gl_named_name_def, &gl_named_uuid_def, &gl_named_host_def, &guest_def, NULL};

const gl_class gl_domain_class = {
  .type = &gl_domain_type,
  .help =
    "A guest under libvirt's own names: guest.domain makes one. A Guest has its methods too, but for those with a name that it has itself.",
  .ops = ops,
  .fields = fields,
  .tostring = domain_tostring,
};
