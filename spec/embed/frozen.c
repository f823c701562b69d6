/* frozen URI GUEST JOURNAL: freezes the guest's file systems, says so, and dies then, without a chance to thaw them. */
#include <signal.h>

#include "check.h"

static int die(lua_State *L)
{
  (void)L;
  puts("frozen");
  fflush(stdout);
  raise(SIGKILL);
  return 0;
}

int main(int argc, char **argv)
{
  CHECK(argc == 4);
  lua_State *L = new_state(NULL);
  load(L, "local die, uri, name, journal = ...\n"
          "guestlua.journal({ dir = journal })\n"
          "local frozen <close> = guestlua.open(uri):guest(name):frozen()\n"
          "die()");
  lua_pushcfunction(L, die);
  for (int i = 1; i < argc; i++)
    lua_pushstring(L, argv[i]);
  CHECK(guestlua_run(L, 4) == LUA_OK);
  return 1;
}
