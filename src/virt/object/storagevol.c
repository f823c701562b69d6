/* StorageVol: what is written by hand. */
#include "call/kinds.h"
#include "call/values.h"
#include "virt/object/rows.h"
#include "virt/object/transfer.h"

#define PLACES                                                                                  \
  GL_OPTION(gl_transfer, offset, &gl_integer, "where in the volume to begin, in bytes"),        \
    GL_OPTION(gl_transfer, length, &gl_integer, "how many bytes at most; 0, the default: all"), \
    GL_OPTION(gl_transfer, plain, &gl_boolean, "send holes as zeros; they are made holes again by default, if the driver can")

static const gl_param download_params[] = {
  GL_ARG(gl_transfer, path, &gl_string, "the file of this machine, which its owner alone can read"),
  PLACES,
  GL_OPTION(gl_transfer, overwrite, &gl_boolean, "take the place of a file that is there"),
  GL_TRANSFER_PROGRESS,
  GL_END,
};

static int download_begin(gl_transfer *t, virStreamPtr stream, bool sparse)
{
  return virStorageVolDownload(t->op.subject->ptr, stream, (unsigned long long)t->offset, (unsigned long long)t->length,
                               sparse ? VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM : 0);
}

/* How many bytes will come. */
static void expect(gl_transfer *t)
{
  virStorageVolInfo info;
  if (virStorageVolGetInfoFlags(t->op.subject->ptr, &info, VIR_STORAGE_VOL_GET_PHYSICAL) < 0 ||
      info.allocation <= (unsigned long long)t->offset)
    return;
  unsigned long long rest = info.allocation - (unsigned long long)t->offset;
  atomic_store(&t->total, t->length > 0 && (unsigned long long)t->length < rest ? (unsigned long long)t->length : rest);
}

static int download_run(gl_op *op)
{
  expect((gl_transfer *)op);
  return gl_transfer_receive((gl_transfer *)op, download_begin);
}
static const gl_opdef download_def = {
  .name = "download",
  .call = "virStorageVolDownload",
  .help = "Copies what is stored in the volume into a file of this machine, which is whole or not there.",
  .params = download_params,
  .size = sizeof(gl_transfer),
  .run = download_run,
  .stop = gl_transfer_stop,
  .progress = gl_transfer_progress,
  .slow = true,
  .lane = GL_LANE_CHANGE,
};

static const gl_param upload_params[] = {
  GL_ARG(gl_transfer, path, &gl_string, "the file of this machine"),
  PLACES,
  GL_TRANSFER_PROGRESS,
  GL_END,
};

static int upload_begin(gl_transfer *t, virStreamPtr stream, bool sparse)
{
  return virStorageVolUpload(t->op.subject->ptr, stream, (unsigned long long)t->offset, (unsigned long long)t->length,
                             sparse ? VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM : 0);
}

static int upload_run(gl_op *op)
{
  return gl_transfer_send((gl_transfer *)op, upload_begin);
}
static const gl_opdef upload_def = {
  .name = "upload",
  .call = "virStorageVolUpload",
  .help = "Writes a file of this machine into the volume. What was written stays if it fails or is cancelled midway.",
  .params = upload_params,
  .size = sizeof(gl_transfer),
  .run = upload_run,
  .stop = gl_transfer_stop,
  .progress = gl_transfer_progress,
  .slow = true,
  GL_CHANGE,
};

const gl_opdef *const gl_storagevol_ops[] = {&download_def, &upload_def, NULL};
