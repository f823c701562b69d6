/* What Lua can call on objects of libvirt's that are no connection and no guest. */
#ifndef GL_OBJECT_CLASSES_H
#define GL_OBJECT_CLASSES_H

#include "call/class.h"

extern const gl_class gl_snapshot_class, gl_checkpoint_class, gl_network_class, gl_networkport_class, gl_storagepool_class,
  gl_storagevol_class, gl_nodedevice_class, gl_secret_class, gl_interface_class, gl_nwfilter_class, gl_nwfilterbinding_class;

#endif
