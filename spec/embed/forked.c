/* The child of a fork: its parent's states refuse, and closing them does the parent no harm. */
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static void refused(lua_State *L, const char *text)
{
  CHECK(luaL_loadstring(L, text) == LUA_OK);
  CHECK(lua_pcall(L, 0, 0, 0) == LUA_ERRRUN);
  guestlua_error_field(L, -1, "kind");
  CHECK(lua_isstring(L, -1) && strcmp(lua_tostring(L, -1), "wrong_thread") == 0);
  CHECK(strstr(guestlua_text(L, -2), "a child of that"));
  lua_settop(L, 0);
}

int main(void)
{
  lua_State *L = new_state(NULL);
  run(L, "host = guestlua.open('" URI "') guest = host:guest('test') events = guest:subscribe('lifecycle')");
  load(L, "guestlua.sleep(1000)");
  guestlua_spawn(L, 0);
  CHECK(guestlua_dispatch(L) == 1);
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    alarm(60);
    refused(L, "guest:get_info()");
    refused(L, "guestlua.sleep(0)");
    load(L, "guest:pause()");
    CHECK(guestlua_run(L, 0) == GUESTLUA_WRONG_THREAD);
    CHECK(guestlua_dispatch(L) == GUESTLUA_WRONG_THREAD);
    guestlua_free(L);
    _exit(0);
  }
  int status;
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  run(L, "guest:pause() assert(events:next(30).type == 'suspended') guest:resume()");
  guestlua_free(L);
  return 0;
}
