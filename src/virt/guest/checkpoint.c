/* Guest: backup jobs, and the checkpoints that increments go by. */
#include <lauxlib.h>
#include <stdlib.h>

#include "call/push.h"
#include "element/kind.h"
#include "virt/guest/rows.h"

/* ---- backups ---- */

typedef struct backup_op {
  gl_op op;
  const char *conf, *checkpoint;
} backup_op;

static const gl_param backup_begin_params[] = {
  GL_ARG(backup_op, conf, &gl_xml, "a <domainbackup> element: pull or push, and of each disk whether and since which checkpoint"),
  GL_ARG_OR_NIL(backup_op, checkpoint, &gl_xml, "a <domaincheckpoint> element: the checkpoint that is made at the same moment; nil: none"),
  GL_OPTION_FLAG("reuse_ext", VIR_DOMAIN_BACKUP_BEGIN_REUSE_EXTERNAL, "the files of the backup, or of its scratch space, exist already"),
  GL_END,
};

static int backup_begin_run(gl_op *op)
{
  backup_op *self = (backup_op *)op;
  return virDomainBackupBegin(gl_op_domain(op), self->conf, self->checkpoint, op->args.flags);
}
static const gl_opdef backup_begin_def = {
  .name = "backup_begin",
  .call = "virDomainBackupBegin",
  .help =
    "Starts a backup job of the running guest, at this moment for all its disks. In push mode QEMU writes the files, and the job ends "
    "by itself; in pull mode they are read over NBD, and abort_job ends it. The end is the event job_completed. A backup that fails "
    "leaves its checkpoint: see workflow.backup, which does not. Not in the reference.",
  .params = backup_begin_params,
  .size = sizeof(backup_op),
  .run = backup_begin_run,
  GL_CHANGE,
};

/* rc: 1 if there is no backup job */
static int get_backup_xml_run(gl_op *op)
{
  gl_text_op *self = (gl_text_op *)op;
  self->text = virDomainBackupGetXMLDesc(gl_op_domain(op), 0);
  if (self->text)
    return 0;
  virErrorPtr e = virGetLastError();
  return e && e->code == VIR_ERR_NO_DOMAIN_BACKUP ? 1 : -1;
}

static int get_backup_xml_push(lua_State *L, gl_op *op)
{
  if (op->rc == 1)
    lua_pushnil(L);
  else
    gl_push_text(L, op);
  return 1;
}
static const gl_opdef get_backup_xml_def = {
  .name = "get_backup_xml",
  .call = "virDomainBackupGetXMLDesc",
  .help = "The backup job that the guest has now. Not in the reference.",
  .result = {"string?"},
  .returns = "string, or nil if it has none",
  .size = sizeof(gl_text_op),
  .run = get_backup_xml_run,
  .push = get_backup_xml_push,
  .release = gl_release_text,
  .lane = GL_LANE_BESIDE,
};

/* ---- checkpoints ---- */

typedef struct checkpoint_op {
  gl_text_op text;
  const char *conf, *name;
  virDomainCheckpointPtr checkpoint;
} checkpoint_op;

/* Not before the error was kept: freeing clears it. */
static void checkpoint_release(gl_op *op)
{
  checkpoint_op *self = (checkpoint_op *)op;
  if (self->checkpoint)
    virDomainCheckpointFree(self->checkpoint);
  gl_release_text(op);
}

static const gl_param create_checkpoint_params[] = {
  GL_ARG(checkpoint_op, conf, &gl_xml, "a <domaincheckpoint> element"),
  GL_OPTION_FLAG("redefine", VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE, "nothing is made: libvirt learns of one that exists"),
  GL_OPTION_FLAG("quiesce", VIR_DOMAIN_CHECKPOINT_CREATE_QUIESCE, "freeze the file systems meanwhile; needs the guest agent"),
  GL_OPTION_FLAG("redefine_validate", VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE_VALIDATE,
                 "with redefine: look whether the images have its bitmaps; the guest must run"),
  GL_END,
};

static int create_checkpoint_run(gl_op *op)
{
  checkpoint_op *self = (checkpoint_op *)op;
  self->checkpoint = virDomainCheckpointCreateXML(gl_op_domain(op), self->conf, op->args.flags);
  return self->checkpoint ? 0 : -1;
}
static const gl_opdef create_checkpoint_def = {
  .name = "create_checkpoint",
  .call = "virDomainCheckpointCreateXML",
  .help = "Makes a checkpoint: from now on QEMU notes in the disks' images what changes. Not in the reference.",
  .params = create_checkpoint_params,
  .size = sizeof(checkpoint_op),
  .run = create_checkpoint_run,
  .release = checkpoint_release,
  GL_CHANGE,
};

typedef struct names_op {
  gl_op op;
  virDomainCheckpointPtr *checkpoints;
} names_op;

/* rc: how many; a driver that cannot make any has none. */
static int get_checkpoint_names_run(gl_op *op)
{
  int count = virDomainListAllCheckpoints(gl_op_domain(op), &((names_op *)op)->checkpoints, VIR_DOMAIN_CHECKPOINT_LIST_TOPOLOGICAL);
  virErrorPtr e = count < 0 ? virGetLastError() : NULL;
  return e && e->code == VIR_ERR_NO_SUPPORT ? 0 : count;
}

static int get_checkpoint_names_push(lua_State *L, gl_op *op)
{
  lua_createtable(L, op->rc, 0);
  for (int i = 0; i < op->rc; i++) {
    lua_pushstring(L, virDomainCheckpointGetName(((names_op *)op)->checkpoints[i]));
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static void get_checkpoint_names_release(gl_op *op)
{
  names_op *self = (names_op *)op;
  for (int i = 0; i < op->rc; i++)
    virDomainCheckpointFree(self->checkpoints[i]);
  free(self->checkpoints);
}
static const gl_opdef get_checkpoint_names_def = {
  .name = "get_checkpoint_names",
  .call = "virDomainListAllCheckpoints",
  .help = "The names of the checkpoints that libvirt remembers of the guest, each after the one that it came after. Not in the reference.",
  .result = {"string[]"},
  .size = sizeof(names_op),
  .run = get_checkpoint_names_run,
  .push = get_checkpoint_names_push,
  .release = get_checkpoint_names_release,
  GL_LOOK,
};

/* Whether libvirt has one of that name; its error says why not. */
static bool look_up(checkpoint_op *self)
{
  self->checkpoint = virDomainCheckpointLookupByName(gl_op_domain(&self->text.op), self->name, 0);
  return self->checkpoint != NULL;
}

static const gl_param get_checkpoint_xml_params[] = {
  GL_ARG(checkpoint_op, name, &gl_string, "the checkpoint's name"),
  GL_OPTION_FLAG("no_domain", VIR_DOMAIN_CHECKPOINT_XML_NO_DOMAIN, "without the guest's configuration of then"),
  GL_OPTION_FLAG("size", VIR_DOMAIN_CHECKPOINT_XML_SIZE, "with how much each disk has changed since; the guest must run"),
  GL_END,
};

static int get_checkpoint_xml_run(gl_op *op)
{
  checkpoint_op *self = (checkpoint_op *)op;
  self->text.text = look_up(self) ? virDomainCheckpointGetXMLDesc(self->checkpoint, op->args.flags) : NULL;
  return self->text.text ? 0 : -1;
}
static const gl_opdef get_checkpoint_xml_def = {
  .name = "get_checkpoint_xml",
  .call = "virDomainCheckpointGetXMLDesc",
  .help = "A checkpoint as XML. Not in the reference.",
  .result = {"string"},
  .params = get_checkpoint_xml_params,
  .size = sizeof(checkpoint_op),
  .run = get_checkpoint_xml_run,
  .push = gl_push_text,
  .release = checkpoint_release,
  .lane = GL_LANE_BESIDE,
};

static const gl_param delete_checkpoint_params[] = {
  GL_ARG(checkpoint_op, name, &gl_string, "the checkpoint's name"),
  GL_OPTION_FLAG("children", VIR_DOMAIN_CHECKPOINT_DELETE_CHILDREN, "and all that came after it"),
  GL_OPTION_FLAG("metadata_only", VIR_DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY, "libvirt forgets it, and the images keep their bitmaps"),
  GL_OPTION_FLAG("children_only", VIR_DOMAIN_CHECKPOINT_DELETE_CHILDREN_ONLY, "only what came after it"),
  GL_END,
};

static int delete_checkpoint_run(gl_op *op)
{
  checkpoint_op *self = (checkpoint_op *)op;
  return look_up(self) ? virDomainCheckpointDelete(self->checkpoint, op->args.flags) : -1;
}
static const gl_opdef delete_checkpoint_def = {
  .name = "delete_checkpoint",
  .call = "virDomainCheckpointDelete",
  .help = "Deletes a checkpoint; what its bitmaps know goes to the one before it. Not in the reference.",
  .params = delete_checkpoint_params,
  .size = sizeof(checkpoint_op),
  .run = delete_checkpoint_run,
  .release = checkpoint_release,
  GL_CHANGE,
};

const gl_opdef *const gl_guest_checkpoint_ops[] = {&backup_begin_def,
                                                   &get_backup_xml_def,
                                                   &create_checkpoint_def,
                                                   &get_checkpoint_names_def,
                                                   &get_checkpoint_xml_def,
                                                   &delete_checkpoint_def,
                                                   NULL};
