/* Domain and Host: calls that pass open files. The connection has to be to this machine, as they go over its socket. */
#include "call/files.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <unistd.h>

#include "virt/guest/rows.h"
#include "virt/host/rows.h"
#include "virt/object/generated.h"

/* ---- into a guest ---- */

typedef struct files_op {
  gl_reply reply;
  const char *text;
  long long index;
  gl_files files;
  int *given; /* by libvirt; -1: Lua's by now */
  unsigned given_count;
} files_op;

static void files_release(gl_op *op)
{
  files_op *self = (files_op *)op;
  gl_files_close(&self->files);
  for (unsigned i = 0; i < self->given_count; i++)
    if (self->given[i] >= 0)
      close(self->given[i]);
  free(self->given);
}

static const gl_param create_params[] = {
  GL_ARG(files_op, files, &gl_files_kind, "what the guest's first program gets, from descriptor 3 on"),
  GL_OPTION_FLAG("paused", VIR_DOMAIN_START_PAUSED, "start it paused"),
  GL_OPTION_FLAG("autodestroy", VIR_DOMAIN_START_AUTODESTROY, "destroy it when this connection closes"),
  GL_OPTION_FLAG("bypass_cache", VIR_DOMAIN_START_BYPASS_CACHE, "keep a saved memory out of this machine's file cache"),
  GL_OPTION_FLAG("force_boot", VIR_DOMAIN_START_FORCE_BOOT, "throw a saved memory away"),
  GL_OPTION_FLAG("validate", VIR_DOMAIN_START_VALIDATE, "check the configuration against libvirt's schema"),
  GL_OPTION_FLAG("reset_nvram", VIR_DOMAIN_START_RESET_NVRAM, "start with fresh UEFI variables"),
  GL_END,
};

static int create_run(gl_op *op)
{
  files_op *self = (files_op *)op;
  return virDomainCreateWithFiles(gl_op_domain(op), self->files.count, self->files.list, op->args.flags);
}
static const gl_opdef create_def = {
  .name = "create_with_files",
  .call = "virDomainCreateWithFiles",
  .help = "Starts the guest, and hands open files to its first program: for containers.",
  .params = create_params,
  .size = sizeof(files_op),
  .run = create_run,
  .release = files_release,
  GL_CHANGE,
};

static const gl_param associate_params[] = {
  {.name = "name",
   .kind = &gl_string,
   .positional = true,
   .required = true,
   .offset = offsetof(files_op, text),
   .help = "the fdgroup of a disk's source that is to be these files"},
  GL_ARG(files_op, files, &gl_files_kind, "the disk's image, open"),
  GL_OPTION_FLAG("seclabel_restore", VIR_DOMAIN_FD_ASSOCIATE_SECLABEL_RESTORE,
                 "set its security label back after use, if that can be done"),
  GL_OPTION_FLAG("seclabel_writable", VIR_DOMAIN_FD_ASSOCIATE_SECLABEL_WRITABLE,
                 "label it as one that may be written, even if it is only read"),
  GL_END,
};

static int associate_run(gl_op *op)
{
  files_op *self = (files_op *)op;
  return virDomainFDAssociate(gl_op_domain(op), self->text, self->files.count, self->files.list, op->args.flags);
}
static const gl_opdef associate_def = {
  .name = "fd_associate",
  .call = "virDomainFDAssociate",
  .help = "Gives the guest an image as an open file, for as long as this connection lasts: the source of a disk names it as its fdgroup.",
  .params = associate_params,
  .size = sizeof(files_op),
  .run = associate_run,
  .release = files_release,
  GL_CHANGE,
};

/* ---- its display ---- */

#define SKIP_AUTH GL_OPTION_FLAG("skip_auth", VIR_DOMAIN_OPEN_GRAPHICS_SKIPAUTH, "let it in without the display's password")
#define DISPLAY                                                                                                     \
  {                                                                                                                 \
    .name = "index", .kind = &gl_integer, .positional = true, .max = UINT_MAX, .offset = offsetof(files_op, index), \
    .help = "which of the guest's displays, from 0 up; nil: the first"                                              \
  }

static const gl_param graphics_params[] = {
  GL_ARG(files_op, files, &gl_files_kind, "one end of a pair of sockets"),
  DISPLAY,
  SKIP_AUTH,
  GL_END,
};

static int graphics_run(gl_op *op)
{
  files_op *self = (files_op *)op;
  return virDomainOpenGraphics(gl_op_domain(op), (unsigned)self->index, self->files.list[0], op->args.flags);
}
static const gl_opdef graphics_def = {
  .name = "open_graphics",
  .call = "virDomainOpenGraphics",
  .help = "Connects an open socket to the guest's display, VNC or SPICE.",
  .params = graphics_params,
  .size = sizeof(files_op),
  .run = graphics_run,
  .release = files_release,
  .changes = true,
  .lane = GL_LANE_BESIDE,
};

static const gl_param graphics_fd_params[] = {DISPLAY, SKIP_AUTH, GL_END};

static int graphics_fd_run(gl_op *op)
{
  files_op *self = (files_op *)op;
  self->given = malloc(sizeof *self->given);
  if (!self->given)
    return gl_op_fail(op, "no_memory", "out of memory");
  self->given[0] = virDomainOpenGraphicsFD(gl_op_domain(op), (unsigned)self->index, op->args.flags);
  self->given_count = 1;
  return self->given[0] < 0 ? -1 : 0;
}

static int graphics_fd_push(lua_State *L, gl_op *op)
{
  gl_files_push(L, ((files_op *)op)->given);
  return 1;
}
static const gl_opdef graphics_fd_def = {
  .name = "open_graphics_fd",
  .call = "virDomainOpenGraphicsFD",
  .help = "A socket that is connected to the guest's display, VNC or SPICE.",
  .result = {"file*"},
  .params = graphics_fd_params,
  .size = sizeof(files_op),
  .run = graphics_fd_run,
  .push = graphics_fd_push,
  .release = files_release,
  .changes = true,
  .lane = GL_LANE_BESIDE,
};

/* ---- QEMU's monitor ---- */

static const gl_param monitor_params[] = {
  {.name = "cmd",
   .kind = &gl_string,
   .positional = true,
   .required = true,
   .offset = offsetof(files_op, text),
   .help = "the command, in QEMU's JSON"},
  GL_ARG_OR_NIL(files_op, files, &gl_files_kind, "files for the command; nil: none"),
  GL_OPTION_FLAG("hmp", VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP, "the command is one of QEMU's prompt for people"),
  GL_END,
};

static int monitor_run(gl_op *op)
{
  files_op *self = (files_op *)op;
  return virDomainQemuMonitorCommandWithFiles(gl_op_domain(op), self->text, self->files.count, self->files.list, &self->given_count,
                                              &self->given, &self->reply.text, op->args.flags);
}

static int monitor_push(lua_State *L, gl_op *op)
{
  files_op *self = (files_op *)op;
  lua_pushstring(L, self->reply.text);
  lua_createtable(L, (int)self->given_count, 0);
  for (unsigned i = 0; i < self->given_count; i++) {
    gl_files_push(L, &self->given[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 2;
}

static void monitor_release(gl_op *op)
{
  files_release(op);
  free(((files_op *)op)->reply.text);
}
static const gl_opdef monitor_def = {
  .name = "qemu_monitor_command_with_files",
  .call = "virDomainQemuMonitorCommandWithFiles",
  .help = "Sends QEMU's monitor a command with open files: libvirt does not know what it did. For debugging.",
  .result = {"string reply", "file*[] files"},
  .params = monitor_params,
  .size = sizeof(files_op),
  .run = monitor_run,
  .push = monitor_push,
  .release = monitor_release,
  GL_CHANGE,
};

const gl_opdef *const gl_domain_file_ops[] = {&create_def, &associate_def, &graphics_def, &graphics_fd_def, &monitor_def, NULL};

/* ---- a guest with files ---- */

static const gl_param create_xml_params[] = {
  {.name = "xml",
   .kind = &gl_xml,
   .positional = true,
   .required = true,
   .offset = offsetof(files_op, text),
   .help = "its configuration: an Element or XML text"},
  GL_ARG(files_op, files, &gl_files_kind, "what the guest's first program gets, from descriptor 3 on"),
  GL_OPTION_FLAG("paused", VIR_DOMAIN_START_PAUSED, "start it paused"),
  GL_OPTION_FLAG("autodestroy", VIR_DOMAIN_START_AUTODESTROY, "destroy it when this connection closes"),
  GL_OPTION_FLAG("validate", VIR_DOMAIN_START_VALIDATE, "check the configuration against libvirt's schema"),
  GL_END,
};

static int create_xml_run(gl_op *op)
{
  files_op *self = (files_op *)op;
  return gl_reply_object(op,
                         virDomainCreateXMLWithFiles(gl_op_connect(op), self->text, self->files.count, self->files.list, op->args.flags));
}

static void create_xml_release(gl_op *op)
{
  files_release(op);
  gl_reply_free_object(op);
}
static const gl_opdef create_xml_def = {
  .name = "create_xml_with_files",
  .call = "virDomainCreateXMLWithFiles",
  .help = "Starts a transient guest, and hands open files to its first program: for containers.",
  .result = {"Guest"},
  .params = create_xml_params,
  .size = sizeof(files_op),
  .gives = &gl_domain_named,
  .run = create_xml_run,
  .push = gl_reply_push_object,
  .release = create_xml_release,
  GL_CHANGE,
};

const gl_opdef *const gl_host_file_ops[] = {&create_xml_def, NULL};
