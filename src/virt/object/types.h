/* The classes of libvirt's objects that are no connection and no guest. */
#ifndef GL_OBJECT_TYPES_H
#define GL_OBJECT_TYPES_H

#include "virt/object/named.h"

extern const gl_named_type gl_snapshot_named, gl_checkpoint_named, gl_network_named, gl_networkport_named, gl_storagepool_named,
  gl_storagevol_named, gl_nodedevice_named, gl_secret_named, gl_interface_named, gl_nwfilter_named, gl_nwfilterbinding_named;
extern const gl_named_type gl_domain_named; /* what it gives is a Guest */

#endif
