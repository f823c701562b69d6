/* Host: its guests. */
#include <lauxlib.h>
#include <libvirt/virterror.h>
#include <stdlib.h>
#include <string.h>

#include "call/op_error.h"
#include "element/kind.h"
#include "text/nearest.h"
#include "virt/guest/object.h"
#include "virt/host/rows.h"

typedef struct lookup_op {
  gl_op op;
  const char *name_or_uuid;
  virDomainPtr found;
  char *near; /* the name of one that may be meant */
} lookup_op;

static const gl_param lookup_params[] = {
  GL_ARG(lookup_op, name_or_uuid, &gl_string, "the guest's name or UUID; a name that reads like a UUID is looked up as a UUID first"),
  GL_OPTION_FLAG("required", 1, "raise an error of kind \"no_domain\" if there is none, instead of returning nil"),
  GL_END,
};

static bool is_missing(void)
{
  virErrorPtr e = virGetLastError();
  return e && e->code == VIR_ERR_NO_DOMAIN;
}

/* Which guest may be meant: asked only if the error is to say so. */
static char *nearest_guest(virConnectPtr connect, const char *name)
{
  virDomainPtr *list;
  int count = virConnectListAllDomains(connect, &list, 0);
  gl_nearest near = {name, NULL, 0};
  for (int i = 0; i < count; i++)
    gl_nearest_add(&near, virDomainGetName(list[i]));
  char *found = near.found ? strdup(near.found) : NULL;
  for (int i = 0; i < count; i++)
    virDomainFree(list[i]);
  if (count >= 0)
    free(list);
  return found;
}

static int lookup_run(gl_op *op)
{
  lookup_op *self = (lookup_op *)op;
  unsigned dashes = 0;
  for (const char *c = self->name_or_uuid; *c; c++)
    dashes += *c == '-';
  if (strlen(self->name_or_uuid) == VIR_UUID_STRING_BUFLEN - 1 && dashes == 4) {
    self->found = virDomainLookupByUUIDString(gl_op_connect(op), self->name_or_uuid);
    if (!self->found && !is_missing())
      return -1;
  }
  if (!self->found)
    self->found = virDomainLookupByName(gl_op_connect(op), self->name_or_uuid);
  if (!self->found && !is_missing())
    return -1;
  if (!self->found && op->args.flags)
    self->near = nearest_guest(gl_op_connect(op), self->name_or_uuid);
  return 0;
}

static int lookup_push(lua_State *L, gl_op *op)
{
  lookup_op *self = (lookup_op *)op;
  if (self->found)
    gl_guest_push(L, op->connection, 1, &self->found);
  else if (op->args.flags)
    gl_error_call(L, op, "no_domain", "there is no guest '%s'%s%s%s", self->name_or_uuid, self->near ? "; is '" : "",
                  self->near ? self->near : "", self->near ? "' meant?" : "");
  else
    lua_pushnil(L);
  return 1;
}

static void lookup_release(gl_op *op)
{
  lookup_op *self = (lookup_op *)op;
  if (self->found)
    virDomainFree(self->found);
  free(self->near);
}
static const gl_opdef guest_def = {
  .name = "guest",
  .call = "virDomainLookupByName",
  .help = "Looks up a guest by its name or its UUID.",
  .result = {"Guest?"},
  .returns = "Guest, or nil if there is none",
  .params = lookup_params,
  .size = sizeof(lookup_op),
  .run = lookup_run,
  .push = lookup_push,
  .release = lookup_release,
  .quick = true,
};

typedef struct guests_op {
  gl_op op;
  virDomainPtr *list;
} guests_op;

static const gl_param guests_params[] = {
  GL_OPTION_CHOICE("active", VIR_CONNECT_LIST_DOMAINS_ACTIVE, VIR_CONNECT_LIST_DOMAINS_INACTIVE,
                   "only active guests, or only inactive ones"),
  GL_OPTION_CHOICE("persistent", VIR_CONNECT_LIST_DOMAINS_PERSISTENT, VIR_CONNECT_LIST_DOMAINS_TRANSIENT,
                   "only those with a persistent configuration, or only those without"),
  GL_OPTION_FLAG("running", VIR_CONNECT_LIST_DOMAINS_RUNNING, "those that run; with others of these four, those in any of the states"),
  GL_OPTION_FLAG("paused", VIR_CONNECT_LIST_DOMAINS_PAUSED, "those that are paused"),
  GL_OPTION_FLAG("shutoff", VIR_CONNECT_LIST_DOMAINS_SHUTOFF, "those that are off"),
  GL_OPTION_FLAG("other", VIR_CONNECT_LIST_DOMAINS_OTHER, "those in any other state"),
  GL_OPTION_CHOICE("managed_save", VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE, VIR_CONNECT_LIST_DOMAINS_NO_MANAGEDSAVE,
                   "only those with their memory saved on the host, or only the others"),
  GL_OPTION_CHOICE("autostart", VIR_CONNECT_LIST_DOMAINS_AUTOSTART, VIR_CONNECT_LIST_DOMAINS_NO_AUTOSTART,
                   "only those that start with their host, or only the others"),
  GL_OPTION_CHOICE("has_snapshot", VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT, VIR_CONNECT_LIST_DOMAINS_NO_SNAPSHOT,
                   "only those with snapshots, or only the others"),
  GL_OPTION_CHOICE("has_checkpoint", VIR_CONNECT_LIST_DOMAINS_HAS_CHECKPOINT, VIR_CONNECT_LIST_DOMAINS_NO_CHECKPOINT,
                   "only those with checkpoints, or only the others"),
  GL_END,
};

static int guests_run(gl_op *op)
{
  return virConnectListAllDomains(gl_op_connect(op), &((guests_op *)op)->list, op->args.flags);
}

static int guests_push(lua_State *L, gl_op *op)
{
  lua_createtable(L, op->rc, 0);
  for (int i = 0; i < op->rc; i++) {
    gl_guest_push(L, op->connection, 1, &((guests_op *)op)->list[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static void guests_release(gl_op *op)
{
  guests_op *self = (guests_op *)op;
  for (int i = 0; self->list && i < op->rc; i++)
    if (self->list[i])
      virDomainFree(self->list[i]);
  free(self->list);
}
static const gl_opdef guests_def = {
  .name = "guests",
  .call = "virConnectListAllDomains",
  .help = "Lists the guests of the host.",
  .result = {"Guest[]"},
  .params = guests_params,
  .size = sizeof(guests_op),
  .run = guests_run,
  .push = guests_push,
  .release = guests_release,
};

typedef struct define_op {
  gl_op op;
  const char *xml;
  virDomainPtr defined;
} define_op;

static const gl_param define_params[] = {
  GL_ARG(define_op, xml, &gl_xml, "the guest's configuration, a <domain> element"),
  GL_OPTION_FLAG("validate", VIR_DOMAIN_DEFINE_VALIDATE,
                 "libvirt checks it against its schema, and drops nothing in silence that it does not know (not in the reference)"),
  GL_END,
};

static int define_run(gl_op *op)
{
  define_op *self = (define_op *)op;
  self->defined = op->args.flags ? virDomainDefineXMLFlags(gl_op_connect(op), self->xml, op->args.flags)
                                 : virDomainDefineXML(gl_op_connect(op), self->xml);
  return self->defined ? 0 : -1;
}

static int define_push(lua_State *L, gl_op *op)
{
  gl_guest_push(L, op->connection, 1, &((define_op *)op)->defined);
  return 1;
}

static void define_release(gl_op *op)
{
  define_op *self = (define_op *)op;
  if (self->defined)
    virDomainFree(self->defined);
}
static const gl_opdef write_instance_config_def = {
  .name = "write_instance_config",
  .call = "virDomainDefineXML",
  .help = "Defines a guest, or redefines the one of the same UUID. It is not started. With an option it is "
          "virDomainDefineXMLFlags.",
  .result = {"Guest"},
  .params = define_params,
  .size = sizeof(define_op),
  .run = define_run,
  GL_CHANGE,
  .push = define_push,
  .release = define_release,
};

const gl_opdef *const gl_host_guests_ops[] = {&guest_def, &guests_def, &write_instance_config_def, NULL};
