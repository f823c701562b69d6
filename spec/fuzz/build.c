/* libFuzzer: any bytes as what a script does to Elements. */
#include "harness.h"

static const luaL_Reg natives[] = {{NULL, NULL}};
HARNESS("build", natives)
