/* The rock: a module for require that is the installed library. */
#include <guestlua.h>

/* luaopen_guestlua is the library's own. Something here has to name it, or the linker would leave the library out. */
int (*const guestlua_rock)(lua_State *L) = luaopen_guestlua;
