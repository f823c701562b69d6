/* What the files need that src/virt/generate.lua makes, and the rows that are in them: by class. */
#ifndef GL_OBJECT_GENERATED_H
#define GL_OBJECT_GENERATED_H

#include <libvirt/libvirt-qemu.h>
#include <limits.h>
#include <stdlib.h>

#include "call/params.h"
#include "call/push.h"
#include "call/values.h"
#include "element/kind.h"
#include "virt/object/reply.h"
#include "virt/object/types.h"

extern const gl_opdef *const gl_host_calls[],
  *const gl_domain_calls[], *const gl_snapshot_calls[], *const gl_checkpoint_calls[], *const gl_network_calls[],
                                                                                        *const gl_networkport_calls[],
                                                                                          *const gl_storagepool_calls[],
                                                                                            *const gl_storagevol_calls[],
                                                                                              *const gl_nodedevice_calls[],
                                                                                                *const gl_secret_calls[],
                                                                                                  *const gl_interface_calls[],
                                                                                                    *const gl_nwfilter_calls[],
                                                                                                      *const gl_nwfilterbinding_calls[];

extern const gl_enum gl_enum_virDomainStatsTypes_bits, gl_enum_virKeycodeSet, gl_enum_virDomainMemoryStatTags,
  gl_enum_virDomainInterfaceAddressesSource, gl_enum_virIPAddrType;

/* For calls that have no arguments. */
typedef struct {
  gl_reply reply;
} gl_reply_op;

/* How many parameters virDomainGetSchedulerParameters gives: it cannot be asked itself. */
static inline int gl_scheduler_count(virDomainPtr dom, int *count)
{
  char *type = virDomainGetSchedulerType(dom, count);
  free(type);
  return type ? 0 : -1;
}

#endif
