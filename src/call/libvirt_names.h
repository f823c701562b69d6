/* libvirt's own names for its numbers, in lower case and without the prefix. */
#ifndef GL_LIBVIRT_NAMES_H
#define GL_LIBVIRT_NAMES_H

#include "base/names.h"

extern const gl_enum gl_error_codes, gl_error_domains, gl_error_levels;
extern const gl_enum gl_domain_states, gl_disk_errors, gl_block_job_types;
extern const gl_enum gl_job_types, gl_job_operations, gl_vcpu_states;
extern const gl_enum gl_migrate_flags; /* by the number of the bit */

#endif
