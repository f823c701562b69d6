/* Statistics of guests. */
#ifndef GL_GUEST_STATS_H
#define GL_GUEST_STATS_H

#include "call/op.h"

extern const gl_opdef *const gl_domain_stats_ops[]; /* of one guest */
extern const gl_opdef *const gl_host_stats_ops[];   /* of all guests of a Host */

#endif
