/* libFuzzer: any bytes as arguments of functions and methods. */
#include "harness.h"

static const luaL_Reg natives[] = {{NULL, NULL}};
HARNESS("options", natives)
