#include "call/op_error.h"

#include <libvirt/virterror.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/printable.h"
#include "call/libvirt_names.h"
#include "text/mask.h"

void gl_op_error_set(lua_State *L, const gl_op *op)
{
  gl_error_set(L, "op", op->def->name);
  const char *call = op->work.phase == GL_WORK_RUNNING ? NULL : op->call; /* which is the worker's until it is done */
  gl_error_set(L, "call", call ? call : op->def->call);
  gl_printable_push_masked(L, op->uri);
  lua_setfield(L, -2, "host");
  const gl_handle *subject = op->subject;
  if (subject && subject->type == &gl_domain_handle) {
    gl_error_set(L, "guest", subject->name);
  } else if (subject && subject->type->what) {
    gl_error_set(L, "object_type", subject->type->what);
    gl_error_set(L, "object", subject->name);
    if (subject->type->of == &gl_domain_handle)
      gl_error_set(L, "guest", subject->owner);
  }
  gl_error_set(L, "device", op->part);
}

void gl_op_describe(lua_State *L, const void *about)
{
  const gl_op *op = about;
  lua_pushstring(L, op->def->call ? op->def->call : op->def->name);
  if (op->subject && op->subject->type->what) {
    lua_pushfstring(L, " of %s '%s'", op->subject->type->what, op->subject->name);
    lua_concat(L, 2);
  }
  if (op->part) {
    lua_pushfstring(L, ", %s %s", op->part_type, op->part);
    lua_concat(L, 2);
  }
}

/* The pushed error is more specific: it has the kind of the part. */
static void set_op(lua_State *L, const gl_op *op, const char *kind)
{
  const char *what = op->subject ? op->subject->type->what : NULL;
  bool agent = op->def->lane == GL_LANE_AGENT && gl_error_set_hint(L, kind, op->def->name, "agent");
  if (!agent)
    gl_error_set_hint(L, kind, op->def->name, op->part ? op->part_type : what ? what : "host");
  gl_op_error_set(L, op);
  if (op->part)
    gl_error_set(L, "device_type", op->part_type);
}

/* Pushes libvirt's message, with the secrets of the call's arguments masked. */
static void push_message(lua_State *L, const gl_op *op, const char *message)
{
  char *text = gl_mask_text(message);
  for (const gl_param *p = op->def->params; p && p->name; p++)
    if (p->kind->mask && op->args.given >> (p - op->def->params) & 1)
      text = p->kind->mask(text, p, &op->args);
  gl_printable_push_own(L, text);
}

/* How libvirt says that a device or a disk is not there, beside the code that it has for that. */
static const struct {
  int code;
  const char *text;
} says_missing[] = {
  {VIR_ERR_INVALID_ARG, "not found"},
  {VIR_ERR_INVALID_ARG, "device not present"},
  {VIR_ERR_INVALID_ARG, "does not exist"},
  {VIR_ERR_INVALID_ARG, "invalid path"},
  {VIR_ERR_INVALID_ARG, "failed to find disk"},
  {VIR_ERR_INVALID_ARG, "missing persistent configuration for disk"},
  {VIR_ERR_INVALID_ARG, "is not a known interface"},
  {VIR_ERR_INVALID_ARG, "Can't find device"},
  {VIR_ERR_INVALID_ARG, "no target device"},
  {VIR_ERR_OPERATION_INVALID, "not found"},
  {VIR_ERR_OPERATION_INVALID, "no matching"},
  {VIR_ERR_OPERATION_FAILED, "not found"},
  {VIR_ERR_OPERATION_FAILED, "no matching"},
  {VIR_ERR_INTERNAL_ERROR, "not found"},
  {VIR_ERR_INTERNAL_ERROR, "cannot find character device"},
  {VIR_ERR_INTERNAL_ERROR, "cannot find channel"},
};

static bool is_missing(const gl_op *op, const virError *e)
{
  const char *text = e->message ? e->message : "";
  if (op->part) /* what it says of the images of a disk is about something else */
    return strstr(text, op->part) && (e->code == VIR_ERR_INVALID_ARG || e->code == VIR_ERR_OPERATION_INVALID) &&
           (strstr(text, "invalid path") || strstr(text, "found in domain") || strstr(text, "found in the domain"));
  for (size_t i = 0; op->def->names_device && i < sizeof says_missing / sizeof *says_missing; i++)
    if (e->code == says_missing[i].code && strstr(text, says_missing[i].text))
      return true;
  return false;
}

/* What helps if only the text says what is wrong. */
static const struct {
  const char *text, *hint;
} advice[] = {
  {"No more available PCI slots",
   "all places for devices are taken: each <controller type='pci' model='pcie-root-port'/> is one more, from the "
   "guest's next start on"},
  {"is not using a PTY",
   "a console is read from a device of type 'pty', and this one is of another: the option device names one of those that the guest has, as in "
   "\"serial1\"; if it has none, <serial type='pty'/> in its configuration makes one, from its next start on"},
  {"could not find base image in chain", "the disk has one image, and nothing below it: there is nothing to merge"},
  {"could not find image '", "an image is named by its whole path, as guest:get_disk(name) has it in <source> and <backingStore>"},
  {"active layer requires active flag",
   "{ active = true } merges the image that the guest writes to; disk:await_job() and disk:abort_job({ pivot = true }) end that"},
  {"direct migration is not supported", "add the flag peer2peer, or move it with guest:migrate_to(host)"},
  {"Cannot access storage file",
   "the image has to be there, on the guest's host, and its QEMU has to be able to read it: pool:create_volume or qemu-img makes one"},
  {"ssh: connect to host", "ssh does not get there: is the name right, is the host up, and does its ssh server listen at that port?"},
  {"Cannot read CA certificate",
   "TLS needs the certificate of the authority and one of this machine, in the places where libvirt looks for them; qemu+ssh:// needs none"},
  {"Host key verification failed", "ssh does not know the host's key, and is not asked to: ssh to it once by hand, and accept the key"},
  {"Start tag expected, '<' not found", "that is no XML: a file is read first, as by io.open(path):read(\"a\")"},
  {"Could not resolve hostname", "this machine knows no host of that name: look at the URI"},
  {"Failed to connect socket to",
   "is the daemon running (systemctl status libvirtd, or virtqemud), and may this user reach its socket (as a member of the group libvirt)? "
   "-c or guestlua.open name another connection: qemu:///session is this user's own"},
  {"unable to connect to server at",
   "does the daemon there listen on the network, as libvirtd-tcp.socket or libvirtd-tls.socket do, at this port, and does a firewall let this "
   "machine in? qemu+ssh:// needs neither"},
  {"does not include a driver name", "a URI is, for example, qemu:///system, qemu+ssh://root@host/system or test:///default"},
  {"domain is not transient",
   "a guest with a persistent configuration can have a copy only with transient = true, as the job ends when the guest stops"},
  {"cannot set CPU affinity", "host:get_cpu_map() has the host's processors; one of those that were named is not online, or not allowed"},
  {"mount point does not exist", "pool:build() makes the directory, and so does pool:create{ with_build = true }"},
  {"cannot open directory '", "is it there? pool:build() makes a pool's directory, and so does pool:create{ with_build = true }"},
  {"Permission denied (", "ssh needs a key that the host knows: ssh-copy-id brings it there, ssh-add opens one that has a passphrase"},
};

/* What helps if there is no better hint, by what the error is about. libvirt says by VIR_ERR_OPERATION_INVALID that something is in the
 * wrong state, and much else: only the text says which. */
static const struct {
  const char *subject, *text, *hint;
} states[] = {
  {"guest", "cannot rename active domain", "a guest can be renamed only while it is off: guestlua.workflow.ensure_stopped(guest)"},
  {"guest", "domain with name '", "another guest has this name: host:guest(name) finds it"},
  {"guest", "controller is not mounted",
   "this libvirtd manages no such cgroup: cgroup_controllers in its qemu.conf, and what the host has mounted"},
  {"guest", "is not running",
   "guest:get_state() says how it is; guestlua.workflow.ensure_running(guest) starts it, wakes it or resumes it"},
  {"guest", "running", "the guest is not in the state that this call needs: see guest:get_state()"},
  {"guest", "active", "the guest is not in the state that this call needs: see guest:get_state()"},
  {"guest", "paused", "the guest is not in the state that this call needs: see guest:get_state()"},
  {"disk", "is not running",
   "the guest has to run for this: guestlua.workflow.ensure_running(guest) starts it; of one that is off guestlua.workflow.snapshot_delete "
   "merges a snapshot's images, and qemu-img changes any"},
  {"disk", "job", "disk:get_job_info() has the job of the disk, if there is one"},
  {"disk", "active", "disk:get_job_info() has the job of the disk, if there is one"},
  {"network", "is not active", "network:create() starts it"},
  {"network", "is not running", "network:create() starts it"},
  {"pool", "is not active", "pool:create() starts it"},
  {"pool", "still active", "pool:destroy() stops it, and its volumes stay"},
};

static bool has_hint(lua_State *L)
{
  bool has = lua_getfield(L, -1, "hint") != LUA_TNIL;
  lua_pop(L, 1);
  return has;
}

static void set_advice(lua_State *L, const gl_op *op, const virError *e)
{
  const char *text = e->message ? e->message : "", *what = op->subject ? op->subject->type->what : NULL;
  for (size_t i = 0; i < sizeof advice / sizeof *advice; i++)
    if (strstr(text, advice[i].text))
      gl_error_set(L, "hint", advice[i].hint);
  if (op->part)
    what = op->part_type;
  if (e->code != VIR_ERR_OPERATION_INVALID || !what || has_hint(L))
    return;
  for (size_t i = 0; i < sizeof states / sizeof *states && !has_hint(L); i++)
    if (strcmp(states[i].subject, what) == 0 && strstr(text, states[i].text))
      gl_error_set(L, "hint", states[i].hint);
}

void gl_error_push_libvirt(lua_State *L, const gl_op *op)
{
  virErrorPtr e = op->error && op->error->code != VIR_ERR_OK ? op->error : NULL;
  bool closed = !e && op->connection && !op->connection->handle;
  const char *kind = op->lost ? "disconnected" : e ? gl_enum_name(&gl_error_codes, e->code) : closed ? "closed" : "internal_error";
  kind = !kind ? "unknown" : e && !op->lost && is_missing(op, e) ? "device_not_found" : kind;
  gl_error_push(L, kind);
  set_op(L, op, kind);
  if (e) {
    lua_pushinteger(L, e->code);
    lua_setfield(L, -2, "code");
    gl_enum_push(L, &gl_error_domains, e->domain);
    lua_setfield(L, -2, "domain");
    gl_enum_push(L, &gl_error_levels, e->level);
    lua_setfield(L, -2, "level");
    set_advice(L, op, e);
  }
  push_message(L, op,
               e && e->message ? e->message
               : closed        ? "the host was closed meanwhile"
                               : "the call failed and libvirt gave no reason");
  lua_setfield(L, -2, "message");
}

void gl_error_libvirt(lua_State *L, const gl_op *op)
{
  gl_error_push_libvirt(L, op);
  lua_error(L);
  __builtin_unreachable();
}

void gl_error_call(lua_State *L, const gl_op *op, const char *kind, const char *fmt, ...)
{
  char text[512];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  gl_error_push(L, kind);
  set_op(L, op, kind);
  gl_error_set(L, "message", text);
  lua_error(L);
  __builtin_unreachable();
}

void gl_error_push_abandoned(lua_State *L, const gl_op *op, const char *kind)
{
  gl_error_push(L, kind);
  set_op(L, op, kind);
  bool running = op->work.phase == GL_WORK_RUNNING;
  lua_pushboolean(L, running);
  lua_setfield(L, -2, "still_running");
  if (running && op->def->changes) {
    lua_pushboolean(L, true);
    lua_setfield(L, -2, "may_change");
  }
  if (strcmp(kind, "timeout") == 0)
    lua_pushfstring(L, "no answer within %f s", op->args.timeout);
  else
    lua_pushstring(L, kind);
  lua_pushfstring(L, "%s; the call %s", lua_tostring(L, -1),
                  running                          ? "still runs in libvirt"
                  : op->work.phase == GL_WORK_OVER ? "was over already, its result is dropped"
                                                   : "had not begun");
  lua_setfield(L, -3, "message");
  lua_pop(L, 1);
}
