#include "virt/host/open.h"

#include <lauxlib.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "call/kinds.h"
#include "call/trace.h"
#include "event/thread.h"
#include "loop/task.h"
#include "virt/host/object.h"

typedef struct open_op {
  gl_op op;
  const char *uri;
  virConnectPtr opened;
  long long keepalive;
  bool remote;
  gl_credentials *credentials; /* NULL: none */
  char *full_uri;              /* as libvirt completed it */
} open_op;

#define KEEPALIVE_COUNT 5

static void read_credentials(lua_State *L, int index, const gl_reader *r)
{
  gl_credentials *c = gl_credentials_at(L, index);
  if (!c)
    gl_kind_mismatch(L, index, r);
  ((open_op *)r->args)->credentials = c;
}
static const gl_kind credentials_kind = {.name = "credentials", .read = read_credentials};

static const gl_param open_params[] = {
  GL_ARG_OR_NIL(open_op, uri, &gl_string, "libvirt's connection URI; nil: libvirt's own default, $LIBVIRT_DEFAULT_URI if that is set"),
  GL_OPTION_FLAG("readonly", VIR_CONNECT_RO, "open it read-only: calls that change something are refused by libvirt"),
  GL_OPTION_FLAG("no_aliases", VIR_CONNECT_NO_ALIASES,
                 "take the URI as it is: it is no alias of libvirt.conf's; libvirt has that for connections to a daemon"),
  GL_OPTION_UP_TO(open_op, keepalive, INT_MAX,
                  "seconds between keepalive probes; 0: none; after 6 without an answer the "
                  "connection is given up"),
  GL_OPTION(open_op, credentials, &credentials_kind, "answers, and what is asked for"),
  GL_END,
};

static virConnectPtr connect_new(const char *uri, gl_credentials *credentials, unsigned flags)
{
  return credentials                      ? gl_credentials_open(credentials, uri, flags)
         : flags & VIR_CONNECT_NO_ALIASES ? virConnectOpenAuth(uri, NULL, flags)
         : flags & VIR_CONNECT_RO         ? virConnectOpenReadOnly(uri)
                                          : virConnectOpen(uri);
}

/* ssh must not ask: it would do so at the terminal, beside what reads that, or wait for ever. */
#define NEVER_ASK "no_tty=1"

/* The URI with that; NULL: it is by no ssh, or says itself whether ssh may ask. */
static char *without_questions(const char *uri)
{
  const char *scheme_end = uri ? strstr(uri, "://") : NULL, *transport = scheme_end ? memchr(uri, '+', (size_t)(scheme_end - uri)) : NULL;
  if (!transport || strncmp(transport + 1, "ssh:", 4) != 0 || strstr(uri, "no_tty="))
    return NULL;
  size_t path = strcspn(uri, "?#");
  char *text = malloc(strlen(uri) + sizeof NEVER_ASK + 2);
  if (text)
    sprintf(text, "%.*s?" NEVER_ASK "%s%s", (int)path, uri, uri[path] == '?' ? "&" : "", uri + path + (uri[path] == '?'));
  return text;
}

/* The URI of a connection, malloc'ed, as libvirt completed it, without what was added. */
static char *uri_of(virConnectPtr conn)
{
  char *uri = virConnectGetURI(conn), *added = uri ? strstr(uri, "?" NEVER_ASK) : NULL;
  if (!added)
    return uri;
  const char *rest = added + strlen("?" NEVER_ASK);
  memmove(added + (*rest == '&'), rest + (*rest == '&'), strlen(rest) + 1 - (*rest == '&'));
  return uri;
}

/* libvirt registers the embedded driver again at each open, and has room for about twenty in the life of a process. After that a connection
 * is one more count of the one of its kind that is kept here, from the second open on. */
static struct {
  virConnectPtr conn;
  char *uri;
  int opens;
} kept[2]; /* read-only: the second */
/* Opening starts the embedded driver, and a second open during that crashes: one at a time. */
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static virConnectPtr connect_embedded(const char *uri, gl_credentials *credentials, unsigned flags)
{
  pthread_mutex_lock(&one_at_a_time);
  bool readonly = flags & VIR_CONNECT_RO;
  if (kept[readonly].opens == 1 && !kept[readonly].conn && (kept[readonly].conn = connect_new(uri, credentials, flags)))
    kept[readonly].uri = strdup(uri);
  virConnectPtr conn = connect_new(uri, credentials, flags);
  kept[readonly].opens += conn && !kept[readonly].conn;
  if (!conn && kept[readonly].uri && strcmp(kept[readonly].uri, uri) == 0 && virConnectRef(kept[readonly].conn) == 0)
    conn = kept[readonly].conn;
  pthread_mutex_unlock(&one_at_a_time);
  return conn;
}

bool gl_host_is_kept(virConnectPtr conn)
{
  pthread_mutex_lock(&one_at_a_time);
  bool is = conn == kept[0].conn || conn == kept[1].conn;
  pthread_mutex_unlock(&one_at_a_time);
  return is;
}

virConnectPtr gl_host_connect(const char *uri, gl_credentials *credentials, unsigned flags, int keepalive, bool *remote)
{
  char *silent = without_questions(uri);
  virConnectPtr conn =
    uri && strstr(uri, ":///embed") ? connect_embedded(uri, credentials, flags) : connect_new(silent ? silent : uri, credentials, flags);
  free(silent);
  *remote = conn && virConnectSetKeepAlive(conn, keepalive, KEEPALIVE_COUNT) >= 0; /* local drivers do not need it and refuse */
  return conn;
}

/* Some transports would wait for ever. */
#define LONGEST_S 30

/* A dry run has no connection that could change anything. */
static void open_check(lua_State *L, gl_op *op)
{
  if (!op->args.bounded && gl_task_current(L, op->state)) {
    op->args.bounded = true;
    op->args.timeout = LONGEST_S;
  }
  op->uri = ((open_op *)op)->uri;
  if (gl_is_dry_run(op->state))
    op->args.flags |= VIR_CONNECT_RO;
}

static int open_run(gl_op *op)
{
  open_op *self = (open_op *)op;
  if (gl_event_await_loop(op) < 0)
    return -1;
  const char *preset = self->uri ? NULL : getenv("LIBVIRT_DEFAULT_URI");
  if (preset && *preset)
    self->uri = preset;
  self->opened = gl_host_connect(self->uri, self->credentials, op->args.flags, (int)self->keepalive, &self->remote);
  return self->opened && (self->full_uri = uri_of(self->opened)) ? 0 : -1;
}

static int open_push(lua_State *L, gl_op *op)
{
  open_op *self = (open_op *)op;
  gl_connection *h = gl_host_push_empty(L, op->state);
  h->handle = gl_handle_new(&gl_connect_handle, self->opened, "");
  if (!h->handle)
    return luaL_error(L, "guestlua: out of memory");
  self->opened = NULL;
  h->uri = self->full_uri;
  self->full_uri = NULL;
  h->readonly = op->args.flags & VIR_CONNECT_RO;
  h->keepalive = (int)self->keepalive;
  h->remote = self->remote;
  h->credentials = self->credentials;
  self->credentials = NULL;
  return 1;
}

void gl_host_discard(gl_state *s, virConnectPtr conn)
{
  if (conn)
    gl_work_discard(s, gl_connect_handle.free, conn);
}

static void open_release(gl_op *op)
{
  open_op *self = (open_op *)op;
  gl_host_discard(op->state, self->opened);
  free(self->full_uri);
  gl_credentials_unref(self->credentials);
}
const gl_opdef gl_host_open = {
  .name = "open",
  .call = "virConnectOpenAuth",
  .help = "Connects to libvirt.",
  .result = {"Host"},
  .params = open_params,
  .size = sizeof(open_op),
  .check = open_check,
  .run = open_run,
  .push = open_push,
  .release = open_release,
};
