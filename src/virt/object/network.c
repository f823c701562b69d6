/* Network: what is written by hand. */
#include "virt/object/rows.h"

const gl_opdef *const gl_network_ops[] = {NULL};
