/* Guest: its configuration as a whole. */
#include "call/push.h"
#include "virt/guest/rows.h"

static const gl_param get_xml_desc_params[] = {
  GL_OPTION_FLAG("dump_inactive", VIR_DOMAIN_XML_INACTIVE, "the configuration of the next start, not the present one"),
  GL_OPTION_FLAG("dump_sensitive", VIR_DOMAIN_XML_SECURE, "include passwords"),
  GL_OPTION_FLAG("dump_migratable", VIR_DOMAIN_XML_MIGRATABLE, "in a form for the destination of a migration"),
  GL_OPTION_FLAG("update_cpu", VIR_DOMAIN_XML_UPDATE_CPU,
                 "with the CPU requirements updated to match the host's CPU (not in the reference)"),
  GL_END,
};

static int get_xml_desc_run(gl_op *op)
{
  return (((gl_text_op *)op)->text = virDomainGetXMLDesc(gl_op_domain(op), op->args.flags)) ? 0 : -1;
}
static const gl_opdef get_xml_desc_def = {
  .name = "get_xml_desc",
  .call = "virDomainGetXMLDesc",
  .help = "The guest's configuration.",
  .result = {"string"},
  .returns = "string: XML",
  .params = get_xml_desc_params,
  .size = sizeof(gl_text_op),
  .run = get_xml_desc_run,
  .push = gl_push_text,
  .release = gl_release_text,
  GL_LOOK,
};

/* This library's own bits, for delete_configuration alone: their effects depend on each other. */
#define SUPPORT_UEFI (1u << 29)
#define KEEP_VTPM (1u << 30)
#define KEEP_NVRAM (1u << 31)

static const gl_param delete_configuration_params[] = {
  GL_OPTION_FLAG("support_uefi", SUPPORT_UEFI,
                 "delete the UEFI variables (NVRAM) too; without it libvirt refuses to undefine a UEFI guest"),
  GL_OPTION_FLAG("keep_vtpm", KEEP_VTPM, "keep the state of the virtual TPM (libvirt 8.9); implies support_uefi"),
  GL_OPTION_FLAG("keep_nvram", KEEP_NVRAM, "keep the UEFI variables"),
  GL_OPTION_FLAG("nvram", VIR_DOMAIN_UNDEFINE_NVRAM, "delete the UEFI variables (NVRAM), as support_uefi does (not in the reference)"),
  GL_OPTION_FLAG("tpm", VIR_DOMAIN_UNDEFINE_TPM, "delete the state of the virtual TPM (libvirt 8.9; not in the reference)"),
  GL_OPTION_FLAG(
    "snapshots_metadata", VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA,
    "drop libvirt's record of its snapshots too; libvirt refuses to undefine an inactive guest with any without it (not in the reference)"),
  GL_OPTION_FLAG(
    "checkpoints_metadata", VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA,
    "drop libvirt's record of its checkpoints (left by backups) too; libvirt refuses without it, as above (not in the reference)"),
  GL_END,
};

static int delete_configuration_run(gl_op *op)
{
  unsigned flags = VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | (op->args.flags & ~(SUPPORT_UEFI | KEEP_VTPM | KEEP_NVRAM));
  if (op->args.flags & KEEP_NVRAM)
    flags |= VIR_DOMAIN_UNDEFINE_KEEP_NVRAM;
  else if (op->args.flags & (SUPPORT_UEFI | KEEP_VTPM))
    flags |= VIR_DOMAIN_UNDEFINE_NVRAM;
  if (op->args.flags & KEEP_VTPM)
    flags |= VIR_DOMAIN_UNDEFINE_KEEP_TPM;
  if (virDomainUndefineFlags(gl_op_domain(op), flags) == 0)
    return 0;
  /* As in the reference: for drivers without the flags. */
  return virDomainUndefine(gl_op_domain(op));
}
static const gl_opdef delete_configuration_def = {
  .name = "delete_configuration",
  .call = "virDomainUndefineFlags",
  .help = "Undefines the guest and removes its managed save image. A running guest keeps running, and is gone when it stops. If libvirt "
          "refuses the flags, the plain virDomainUndefine is tried.",
  .params = delete_configuration_params,
  .run = delete_configuration_run,
  GL_CHANGE,
};

const gl_opdef *const gl_guest_config_ops[] = {&get_xml_desc_def, &delete_configuration_def, NULL};
