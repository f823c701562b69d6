/* Guest: its snapshots and checkpoints, as far as the workflows need them. */
#include <lauxlib.h>
#include <stdlib.h>

#include "element/kind.h"
#include "virt/guest/rows.h"

typedef struct snapshot_op {
  gl_op op;
  const char *conf;
} snapshot_op;

static const gl_param snapshot_params[] = {
  GL_ARG(snapshot_op, conf, &gl_xml, "the snapshot to take, a <domainsnapshot> element"),
  GL_OPTION_FLAG("no_metadata", VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA, "keep no record of the snapshot in libvirt"),
  GL_OPTION_FLAG("disk_only", VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY, "the disks without the memory"),
  GL_OPTION_FLAG("reuse_ext", VIR_DOMAIN_SNAPSHOT_CREATE_REUSE_EXT, "the files of the new images exist already"),
  GL_OPTION_FLAG("quiesce", VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE, "freeze the file systems during the snapshot; needs the guest agent"),
  GL_OPTION_FLAG("atomic", VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC, "all disks or none (not in the reference)"),
  GL_OPTION_FLAG("redefine", VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE,
                 "take nothing, but record an existing snapshot in libvirt (not in the reference)"),
  GL_OPTION_FLAG("current", VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT, "with redefine: make it the current snapshot (not in the reference)"),
  GL_OPTION_FLAG("halt", VIR_DOMAIN_SNAPSHOT_CREATE_HALT, "stop the guest after the snapshot (not in the reference)"),
  GL_OPTION_FLAG("live", VIR_DOMAIN_SNAPSHOT_CREATE_LIVE, "with memory: the guest runs while its memory is saved (not in the reference)"),
  GL_OPTION_FLAG("validate", VIR_DOMAIN_SNAPSHOT_CREATE_VALIDATE, "check the XML against libvirt's schema (not in the reference)"),
  GL_END,
};

static int snapshot_run(gl_op *op)
{
  virDomainSnapshotPtr snapshot = virDomainSnapshotCreateXML(gl_op_domain(op), ((snapshot_op *)op)->conf, op->args.flags);
  return snapshot ? virDomainSnapshotFree(snapshot) : -1;
}
static const gl_opdef snapshot_def = {
  .name = "snapshot",
  .call = "virDomainSnapshotCreateXML",
  .help = "Takes a snapshot.",
  .params = snapshot_params,
  .size = sizeof(snapshot_op),
  .run = snapshot_run,
  GL_CHANGE,
};

/* A guest's snapshots, or its checkpoints. */
typedef struct list_op {
  gl_op op;
  virDomainSnapshotPtr *snapshots;
  virDomainCheckpointPtr *checkpoints;
  int snapshot_count, checkpoint_count;
  char **texts; /* of the snapshots, then of the checkpoints */
} list_op;

static void list_release(gl_op *op)
{
  list_op *self = (list_op *)op;
  for (int i = 0; self->texts && i < self->snapshot_count + self->checkpoint_count; i++)
    free(self->texts[i]);
  for (int i = 0; i < self->snapshot_count; i++)
    virDomainSnapshotFree(self->snapshots[i]);
  for (int i = 0; i < self->checkpoint_count; i++)
    virDomainCheckpointFree(self->checkpoints[i]);
  free(self->snapshots);
  free(self->checkpoints);
  free(self->texts);
}

/* A driver without support for them has none. */
static int none_if_unsupported(int count)
{
  virErrorPtr e = count < 0 ? virGetLastError() : NULL;
  return e && e->code == VIR_ERR_NO_SUPPORT ? 0 : count;
}

static const gl_param snapshot_names_params[] = {
  GL_OPTION_FLAG("roots", VIR_DOMAIN_SNAPSHOT_LIST_ROOTS, "only those that have no parent"),
  GL_OPTION_CHOICE("leaves", VIR_DOMAIN_SNAPSHOT_LIST_LEAVES, VIR_DOMAIN_SNAPSHOT_LIST_NO_LEAVES,
                   "only those that no other comes of, or only the others"),
  GL_OPTION_CHOICE("metadata", VIR_DOMAIN_SNAPSHOT_LIST_METADATA, VIR_DOMAIN_SNAPSHOT_LIST_NO_METADATA,
                   "only those that would keep the guest from being undefined, or only the others"),
  GL_OPTION_FLAG("inactive", VIR_DOMAIN_SNAPSHOT_LIST_INACTIVE, "those of the guest while it was off; with others of these three, of any"),
  GL_OPTION_FLAG("active", VIR_DOMAIN_SNAPSHOT_LIST_ACTIVE, "those of the guest while it ran, with its memory"),
  GL_OPTION_FLAG("disk_only", VIR_DOMAIN_SNAPSHOT_LIST_DISK_ONLY, "those of the guest while it ran, without its memory"),
  GL_OPTION_CHOICE("internal", VIR_DOMAIN_SNAPSHOT_LIST_INTERNAL, VIR_DOMAIN_SNAPSHOT_LIST_EXTERNAL,
                   "only those in the disks' own images, or only those that have files of their own"),
  GL_OPTION_FLAG("topological", VIR_DOMAIN_SNAPSHOT_LIST_TOPOLOGICAL, "parents before what comes of them"),
  GL_END,
};

static int snapshot_names_run(gl_op *op)
{
  list_op *self = (list_op *)op;
  int count = none_if_unsupported(virDomainListAllSnapshots(gl_op_domain(op), &self->snapshots, op->args.flags));
  self->snapshot_count = count < 0 ? 0 : count;
  return count;
}

static int snapshot_names_push(lua_State *L, gl_op *op)
{
  list_op *self = (list_op *)op;
  lua_createtable(L, self->snapshot_count, 0);
  for (int i = 0; i < self->snapshot_count; i++) {
    lua_pushstring(L, virDomainSnapshotGetName(self->snapshots[i]));
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static const gl_opdef snapshot_names_def = {
  .name = "get_snapshot_names",
  .call = "virDomainListAllSnapshots",
  .help = "The names of the guest's snapshots in libvirt. Not in the reference.",
  .result = {"string[]"},
  .params = snapshot_names_params,
  .size = sizeof(list_op),
  .run = snapshot_names_run,
  .push = snapshot_names_push,
  .release = list_release,
  GL_LOOK,
};

static int descriptions_run(gl_op *op)
{
  list_op *self = (list_op *)op;
  if (snapshot_names_run(op) < 0)
    return -1;
  int count = none_if_unsupported(virDomainListAllCheckpoints(gl_op_domain(op), &self->checkpoints, 0));
  if (count < 0)
    return -1;
  self->checkpoint_count = count;
  self->texts = calloc((size_t)(self->snapshot_count + count) + 1, sizeof *self->texts);
  if (!self->texts)
    return -1;
  char **text = self->texts;
  for (int i = 0; i < self->snapshot_count; i++)
    if (!(*text++ = virDomainSnapshotGetXMLDesc(self->snapshots[i], 0)))
      return -1;
  for (int i = 0; i < count; i++)
    if (!(*text++ = virDomainCheckpointGetXMLDesc(self->checkpoints[i], 0)))
      return -1;
  return 0;
}

static int descriptions_push(lua_State *L, gl_op *op)
{
  list_op *self = (list_op *)op;
  int count = self->snapshot_count + self->checkpoint_count;
  lua_createtable(L, count, 0);
  for (int i = 0; i < count; i++) {
    lua_pushstring(L, self->texts[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static const gl_opdef descriptions_def = {
  .name = "get_snapshot_descriptions",
  .call = "virDomainSnapshotGetXMLDesc",
  .help = "The XML of each snapshot and each checkpoint that libvirt remembers of the guest: the images that they name are needed. Not in "
          "the reference.",
  .result = {"string[]"},
  .size = sizeof(list_op),
  .run = descriptions_run,
  .push = descriptions_push,
  .release = list_release,
  .lane = GL_LANE_BESIDE,
};

const gl_opdef *const gl_guest_snapshot_ops[] = {&snapshot_def, &snapshot_names_def, &descriptions_def, NULL};
