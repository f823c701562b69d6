/* libvirt's typed parameters as an argument: a table from name to value. */
#ifndef GL_PARAMS_H
#define GL_PARAMS_H

#include <libvirt/libvirt.h>

#include "call/param.h"

/* What there is in a family of them: a parameter's `names` points to the first field. */
typedef struct gl_param_family {
  gl_enum names;
  const unsigned char *types; /* of each: VIR_TYPED_PARAM_… */
} gl_param_family;

typedef struct gl_params {
  virTypedParameterPtr list;
  int count, room;
} gl_params;

extern const gl_kind gl_params_kind; /* gl_params, which the op frees: gl_params_free */

void gl_params_free(gl_params *params);

#endif
