/*
 * A program that links libguestlua and runs a script that it does not trust, in a sandbox:
 *
 *   cc -o policy policy.c $(pkg-config --cflags --libs guestlua)
 *   ./policy test:///default policy.lua
 *
 * The script returns a list of what is wrong, which is printed. Exit code 0: nothing; 1: something; 2: it could not be found out.
 */
#include <guestlua.h>
#include <lauxlib.h>
#include <stdio.h>

/* The error value and then the traceback are on top of the stack. */
static int failed(lua_State *L)
{
  const char *traceback = lua_tostring(L, -1), *error = guestlua_text(L, -2);
  fprintf(stderr, "policy: %s\n%s\n", error, traceback);
  return 2;
}

static int run(lua_State *L, const char *path)
{
  if (luaL_loadfilex(L, path, "t") != LUA_OK) { /* text: bytecode can be made to crash Lua */
    fprintf(stderr, "policy: %s\n", lua_tostring(L, -1));
    return 2;
  }
  if (guestlua_run(L, 0) != LUA_OK)
    return failed(L);
  if (!lua_istable(L, -1)) {
    fprintf(stderr, "policy: %s returned no list\n", path);
    return 2;
  }
  int wrong = 0;
  for (; lua_rawgeti(L, -1, wrong + 1) != LUA_TNIL; wrong++, lua_pop(L, 1))
    puts(lua_isstring(L, -1) ? lua_tostring(L, -1) : "?");
  return wrong ? 1 : 0;
}

int main(int argc, char **argv)
{
  if (argc != 3) {
    fprintf(stderr, "usage: policy URI SCRIPT\n");
    return 2;
  }
  static const char *const allow[] = {"guestlua.open", "Host.guests", "Guest.get_*", "Guest.is_*", NULL};
  guestlua_options options = {
    .size = sizeof options,
    .uri = argv[1],
    .sandbox = true,
    .max_memory = 64 << 20,
    .max_instructions = 100 * 1000 * 1000,
    .allow = allow,
  };
  char why[200];
  lua_State *L = guestlua_new(&options, why, sizeof why);
  if (!L) {
    fprintf(stderr, "policy: %s\n", why);
    return 2;
  }
  int status = run(L, argv[2]);
  guestlua_free(L);
  return status;
}
