/* Methods that are written by hand, as their arguments or results are of no common shape. */
#ifndef GL_OBJECT_ROWS_H
#define GL_OBJECT_ROWS_H

#include "call/op.h"

extern const gl_opdef *const gl_network_ops[], *const gl_storagepool_ops[], *const gl_storagevol_ops[], *const gl_nodedevice_ops[],
                                                                                                          *const gl_secret_ops[];

#endif
