/* Domain: what is written by hand. */
#include "virt/guest/rows.h"

const gl_opdef *const gl_guest_domain_ops[] = {NULL};
