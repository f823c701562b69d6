// The header in C++.
#include <guestlua.h>

int main()
{
  guestlua_options options = {};
  options.size = sizeof options;
  options.readonly = true;
  lua_State *L = guestlua_new(&options, nullptr, 0);
  bool fine = L && guestlua_version() == GUESTLUA_VERSION_NUMBER && guestlua_fd(L) >= 0 && lua_gettop(L) == 0;
  guestlua_free(L);
  guestlua_end();
  return fine ? 0 : 1;
}
