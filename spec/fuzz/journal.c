/* libFuzzer: any bytes as a file of the journal. */
#include "harness.h"

static const luaL_Reg natives[] = {{NULL, NULL}};
HARNESS("journal", natives)
