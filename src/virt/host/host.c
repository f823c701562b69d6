/* Host: a connection to libvirt, and what is asked of it. */
#include "virt/host/host.h"

#include <lauxlib.h>
#include <libvirt/virterror.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/masked.h"
#include "call/watch.h"
#include "event/event.h"
#include "loop/task.h"
#include "virt/guest/guest.h"

typedef struct host_object {
  gl_object object;
} host_object;

static void host_bind(lua_State *L, gl_object *self, gl_op *op)
{
  (void)L;
  op->conn = self->host->conn;
  op->uri = self->host->uri;
}

/* What it says to the daemon is said on a worker, which afterwards drops the last reference to the connection, as the op's own. */
static int disconnect_run(gl_op *op)
{
  gl_event_deregister(op->host);
  return 0;
}
static const gl_opdef disconnect_def = {.name = "close", .call = "virConnectClose", .run = disconnect_run};

/* Closes the children, and lets go of the connection: the caller owns it then. */
static virConnectPtr host_release(gl_host *h)
{
  while (h->children)
    gl_object_close(h->children);
  virConnectPtr conn = h->conn;
  h->conn = NULL;
  return conn;
}

static void host_on_close(gl_object *self)
{
  gl_host *h = self->host;
  h->state->alive.hosts--;
  virConnectPtr conn = host_release(h);
  if (conn)
    gl_op_detach(h, &disconnect_def, conn);
}

/* Unlike __gc and __close it waits until the connection is closed. */
static int host_close(lua_State *L)
{
  gl_object *self = gl_object_test(L, 1, &gl_host_class);
  if (self && self->closed)
    return 0;
  self = gl_object_check(L, 1, &gl_host_class, "close");
  gl_op *op = gl_op_new(L, &disconnect_def);
  op->state = self->host->state;
  op->host = gl_host_ref(self->host);
  op->uri = op->host->uri;
  op->held = true;
  op->conn = host_release(self->host);
  gl_object_close(self);
  return gl_op_start(L, op);
}
static const gl_opdef close_def = {
  .name = "close",
  .call = "virConnectClose",
  .help = "Closes the connection and all guests and subscriptions of it: what is used afterwards fails with an error of kind \"closed\". "
          "Calls "
          "under way are not disturbed. Closing twice is harmless.",
  .invoke = host_close,
};

/* ---- fields ---- */

static int uri_push(lua_State *L, gl_op *op)
{
  lua_pushstring(L, op->uri);
  return 1;
}
static const gl_opdef uri_def = {
  .name = "uri",
  .call = "virConnectGetURI",
  .help = "The URI of the connection, as libvirt completed it.",
  .returns = "string",
  .run = gl_run_nothing,
  .push = uri_push,
  .memory = true,
};

static int hostname_run(gl_op *op)
{
  return (((gl_text_op *)op)->text = virConnectGetHostname(op->conn)) ? 0 : -1;
}
static const gl_opdef hostname_def = {
  .name = "hostname",
  .call = "virConnectGetHostname",
  .help = "The name of the machine that the guests run on.",
  .returns = "string",
  .size = sizeof(gl_text_op),
  .run = hostname_run,
  .push = gl_push_text,
  .release = gl_release_text,
  .quick = true,
};

typedef struct version_op {
  gl_op op;
  unsigned long result;
} version_op;

static int libvirt_version_run(gl_op *op)
{
  return virConnectGetLibVersion(op->conn, &((version_op *)op)->result);
}

static int version_push(lua_State *L, gl_op *op)
{
  unsigned long v = ((version_op *)op)->result;
  lua_pushfstring(L, "%d.%d.%d", (int)(v / 1000000), (int)(v / 1000 % 1000), (int)(v % 1000));
  return 1;
}
static const gl_opdef libvirt_version_def = {
  .name = "libvirt_version",
  .call = "virConnectGetLibVersion",
  .help = "The version of the libvirt at the other end of the connection.",
  .returns = "string, as in \"9.0.0\"",
  .size = sizeof(version_op),
  .run = libvirt_version_run,
  .push = version_push,
  .quick = true,
};

/* ---- guests ---- */

typedef struct lookup_op {
  gl_op op;
  const char *name_or_uuid;
  virDomainPtr found;
} lookup_op;

static const gl_param lookup_params[] = {
  GL_ARG(lookup_op, name_or_uuid, GL_STRING, "the guest's name or UUID; a name that reads like a UUID is looked up as a UUID first"),
  GL_END,
};

static bool is_missing(void)
{
  virErrorPtr e = virGetLastError();
  return e && e->code == VIR_ERR_NO_DOMAIN;
}

static int lookup_run(gl_op *op)
{
  lookup_op *self = (lookup_op *)op;
  unsigned dashes = 0;
  for (const char *c = self->name_or_uuid; *c; c++)
    dashes += *c == '-';
  if (strlen(self->name_or_uuid) == VIR_UUID_STRING_BUFLEN - 1 && dashes == 4) {
    self->found = virDomainLookupByUUIDString(op->conn, self->name_or_uuid);
    if (!self->found && !is_missing())
      return -1;
  }
  if (!self->found)
    self->found = virDomainLookupByName(op->conn, self->name_or_uuid);
  return self->found || is_missing() ? 0 : -1;
}

static int lookup_push(lua_State *L, gl_op *op)
{
  lookup_op *self = (lookup_op *)op;
  if (self->found)
    gl_guest_push(L, op->host, 1, &self->found);
  else
    lua_pushnil(L);
  return 1;
}

static void lookup_release(gl_op *op)
{
  lookup_op *self = (lookup_op *)op;
  if (self->found)
    virDomainFree(self->found);
}
static const gl_opdef guest_def = {
  .name = "guest",
  .call = "virDomainLookupByName",
  .help = "Looks up a guest by its name or its UUID.",
  .returns = "Guest, or nil where there is none",
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
                   "only those that run, or only those that do not"),
  GL_OPTION_CHOICE("persistent", VIR_CONNECT_LIST_DOMAINS_PERSISTENT, VIR_CONNECT_LIST_DOMAINS_TRANSIENT,
                   "only those with a persistent configuration, or only those without"),
  GL_END,
};

static int guests_run(gl_op *op)
{
  return virConnectListAllDomains(op->conn, &((guests_op *)op)->list, op->flags);
}

static int guests_push(lua_State *L, gl_op *op)
{
  lua_createtable(L, op->rc, 0);
  for (int i = 0; i < op->rc; i++) {
    gl_guest_push(L, op->host, 1, &((guests_op *)op)->list[i]);
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
  .returns = "a list of Guest",
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
  GL_ARG(define_op, xml, GL_XML, "the guest's configuration, a <domain> element"),
  GL_END,
};

static int define_run(gl_op *op)
{
  define_op *self = (define_op *)op;
  return (self->defined = virDomainDefineXML(op->conn, self->xml)) ? 0 : -1;
}

static int define_push(lua_State *L, gl_op *op)
{
  gl_guest_push(L, op->host, 1, &((define_op *)op)->defined);
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
  .help = "Defines a guest, or redefines the one of the same UUID. It is not started.",
  .returns = "Guest",
  .params = define_params,
  .size = sizeof(define_op),
  .run = define_run,
  .changes = true,
  .push = define_push,
  .release = define_release,
};

/* ---- open ---- */

typedef struct open_op {
  gl_op op;
  const char *uri;
  virConnectPtr opened;
  long long keepalive;
  char *full_uri; /* as libvirt completed it */
} open_op;

#define OPEN_READONLY 1
#define KEEPALIVE_COUNT 5

static const gl_param open_params[] = {
  GL_ARG_OR_NIL(open_op, uri, GL_STRING, "libvirt's connection URI; nil: libvirt's own default, $LIBVIRT_DEFAULT_URI if that is set"),
  GL_OPTION_FLAG("readonly", OPEN_READONLY, "open it read-only: calls that change something are refused by libvirt"),
  GL_OPTION_UP_TO(open_op, keepalive, INT_MAX,
                  "seconds between two questions whether the daemon is alive, 0: never; after 6 without an answer the "
                  "connection is given up"),
  GL_END,
};

/* Any thread. */
static virConnectPtr open_connection(const char *uri, bool readonly, int keepalive)
{
  /* The embedded driver is started by who opens it: whoever comes in the middle of that finds it half there, and crashes. */
  static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
  bool embedded = uri && strstr(uri, ":///embed");
  if (embedded)
    pthread_mutex_lock(&one_at_a_time);
  virConnectPtr conn = readonly ? virConnectOpenReadOnly(uri) : virConnectOpen(uri);
  if (embedded)
    pthread_mutex_unlock(&one_at_a_time);
  if (conn && keepalive)
    virConnectSetKeepAlive(conn, keepalive, KEEPALIVE_COUNT); /* local drivers have no use for it and refuse */
  return conn;
}

/* A dry run has no connection that could change anything. */
static void open_check(lua_State *L, gl_op *op)
{
  (void)L;
  op->uri = ((open_op *)op)->uri;
  if (op->watched & GL_WATCH_DRY_RUN)
    op->flags |= OPEN_READONLY;
}

static int open_run(gl_op *op)
{
  open_op *self = (open_op *)op;
  op->no_loop = op->phase == GL_OP_RUNNING && gl_event_runs() < 0; /* inline it may be that very thread that runs the loop */
  if (op->no_loop)
    return -1;
  self->opened = open_connection(self->uri, op->flags & OPEN_READONLY, (int)self->keepalive);
  return self->opened && (self->full_uri = virConnectGetURI(self->opened)) ? 0 : -1;
}

/* Pushes a Host that is open and has no connection yet. */
static gl_host *push_host(lua_State *L, gl_state *s)
{
  host_object *o = gl_object_new(L, &gl_host_class, sizeof *o, 0);
  gl_host *h = gl_host_new(s);
  if (!h)
    luaL_error(L, "guestlua: out of memory");
  o->object.host = h;
  o->object.closed = false;
  s->alive.hosts++;
  return h;
}

static int open_push(lua_State *L, gl_op *op)
{
  open_op *self = (open_op *)op;
  gl_host *h = push_host(L, op->state);
  h->conn = self->opened;
  self->opened = NULL;
  h->uri = self->full_uri;
  self->full_uri = NULL;
  h->readonly = op->flags & OPEN_READONLY;
  h->keepalive = (int)self->keepalive;
  return 1;
}

void gl_host_push(lua_State *L, gl_state *s, virConnectPtr conn)
{
  gl_host *h = push_host(L, s);
  if (virConnectRef(conn) < 0) {
    gl_object_close(lua_touserdata(L, -1));
    gl_error_throw(L, "invalid_conn", "guestlua_push_connect: this is no open connection");
  }
  h->conn = conn;
  h->uri = virConnectGetURI(conn);
  h->handed = true;
}

static void open_release(gl_op *op)
{
  open_op *self = (open_op *)op;
  if (self->opened)
    virConnectClose(self->opened);
  free(self->full_uri);
}
const gl_opdef gl_host_open = {
  .name = "open",
  .call = "virConnectOpen",
  .help = "Connects to libvirt.",
  .returns = "Host",
  .params = open_params,
  .size = sizeof(open_op),
  .check = open_check,
  .run = open_run,
  .push = open_push,
  .release = open_release,
};

/* ---- reconnect ---- */

static int is_alive_run(gl_op *op)
{
  return virConnectIsAlive(op->conn);
}
static const gl_opdef is_alive_def = {
  .name = "is_alive",
  .call = "virConnectIsAlive",
  .help = "Whether the connection is there still.",
  .returns = "boolean",
  .run = is_alive_run,
  .push = gl_push_boolean,
  .quick = true,
};

typedef char uuid_text[VIR_UUID_STRING_BUFLEN];

typedef struct reconnect_op {
  gl_op op;
  double gap;
  virConnectPtr opened;
  int count;
  uuid_text *uuids;    /* of the guests that there are, and what they are found to be: */
  virDomainPtr *found; /* NULL: gone */
} reconnect_op;

static const gl_param reconnect_params[] = {
  GL_OPTION(reconnect_op, gap, GL_NUMBER, "how many seconds the connection was lost, for the event \"reconnected\""),
  GL_END,
};

static void reconnect_check(lua_State *L, gl_op *op)
{
  reconnect_op *self = (reconnect_op *)op;
  if (op->host->handed) /* nobody can ask whether it is read-only */
    gl_error_throw(L, "no_support", "reconnect: this connection is the program's own, which opens it again and hands the new one over");
  int count = 0;
  for (gl_object *o = op->host->children; o; o = o->next)
    count += o->class == &gl_guest_class;
  self->uuids = gl_op_keep_room(L, op, (size_t)count * sizeof *self->uuids);
  self->found = gl_op_keep_room(L, op, (size_t)count * sizeof *self->found);
  for (gl_object *o = op->host->children; o; o = o->next)
    if (o->class == &gl_guest_class) {
      self->found[self->count] = NULL;
      virDomainGetUUIDString(gl_guest_domain(o), self->uuids[self->count++]);
    }
}

static int reconnect_run(gl_op *op)
{
  reconnect_op *self = (reconnect_op *)op;
  self->opened = open_connection(op->host->uri, op->host->readonly, op->host->keepalive);
  if (!self->opened)
    return -1;
  for (int i = 0; i < self->count; i++) {
    self->found[i] = virDomainLookupByUUIDString(self->opened, self->uuids[i]);
    virErrorPtr e = self->found[i] ? NULL : virGetLastError();
    if (e && e->code != VIR_ERR_NO_DOMAIN)
      return -1;
  }
  return gl_event_reconnect(op->host, self->opened);
}

/* Now that calls go over the new connection. The worker then drops the old one, as the op's own. */
static int let_go_run(gl_op *op)
{
  gl_event_tell_gap(op->host);
  return 0;
}
static const gl_opdef let_go_def = {.name = "close", .call = "virConnectClose", .run = let_go_run};

static int reconnect_push(lua_State *L, gl_op *op)
{
  (void)L;
  reconnect_op *self = (reconnect_op *)op;
  gl_host *h = op->host;
  if (!h->conn) /* closed meanwhile */
    return 0;
  virConnectPtr old = h->conn;
  h->conn = self->opened;
  self->opened = NULL;
  h->gap = self->gap;
  for (gl_object *o = h->children; o; o = o->next)
    for (int i = 0; o->class == &gl_guest_class && i < self->count; i++) {
      uuid_text uuid;
      virDomainGetUUIDString(gl_guest_domain(o), uuid);
      if (strcmp(uuid, self->uuids[i]) != 0)
        continue;
      if (self->found[i])
        virDomainRef(self->found[i]);
      gl_guest_reconnect(o, self->found[i]);
      break;
    }
  gl_op_detach(h, &let_go_def, old);
  return 0;
}

static void reconnect_release(gl_op *op)
{
  reconnect_op *self = (reconnect_op *)op;
  for (int i = 0; i < self->count; i++)
    if (self->found[i])
      virDomainFree(self->found[i]);
  if (self->opened)
    virConnectClose(self->opened);
}
static const gl_opdef reconnect_def = {
  .name = "reconnect",
  .call = "virConnectOpen",
  .help = "Connects again where the connection was lost: the host's guests and subscriptions go on over the new one, and each subscription "
          "gets an "
          "event \"reconnected\": what happened meanwhile it has not heard. guestlua.open(uri, {reconnect=true}) does this by itself.",
  .params = reconnect_params,
  .size = sizeof(reconnect_op),
  .check = reconnect_check,
  .run = reconnect_run,
  .push = reconnect_push,
  .release = reconnect_release,
};

static int host_tostring(lua_State *L)
{
  gl_object *self = gl_object_test(L, 1, &gl_host_class);
  if (!self || self->closed) {
    lua_pushliteral(L, "<Host (closed)>");
    return 1;
  }
  gl_masked_push(L, self->host->uri);
  lua_pushfstring(L, "<Host %s>", lua_tostring(L, -1));
  return 1;
}

static const gl_opdef *const methods[] = {&guest_def, &guests_def, &write_instance_config_def, &gl_subscribe, &is_alive_def, &reconnect_def,
                                          &close_def, NULL};
static const gl_opdef *const fields[] = {&uri_def, &hostname_def, &libvirt_version_def, NULL};

static const gl_opdef *const *const ops[] = {methods, NULL};

const gl_class gl_host_class = {
  .name = "Host",
  .help = "A connection to libvirt: guestlua.open makes one.",
  .ops = ops,
  .fields = fields,
  .bind = host_bind,
  .close = host_on_close,
  .tostring = host_tostring,
};
