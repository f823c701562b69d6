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

/* What ends with its owner, and must not end with a child: a lock, a program that starts when this one dies, and a copy, which has a
 * thread. */
static const char made[] =
  "core = require('guestlua.core') path, proof, marker = os.tmpname(), os.tmpname(), os.tmpname() os.remove(path) os.remove(marker) "
  "lock = core.lock(path) "
  "watchdog = core.watchdog('x', nil, 'read line; [ -e \"$1\" ] && echo released >\"$0\" || echo too early >\"$0\"', proof, marker) "
  "copy = core.nbd_copy and core.nbd_copy{from = {'sh', '-c', 'sleep 1000'}, to = 'nbd+unix://?socket=/dev/null', probe = true}";
static const char kept[] =
  "assert(not core.lock(path), 'the lock is gone') lock:release() "
  "io.open(marker, 'w'):close() watchdog:release() local file = io.open(proof) assert(file:read('l') == 'released') file:close() "
  "if copy then copy:close() end "
  "os.remove(proof) os.remove(marker)";

int main(void)
{
  lua_State *L = new_state(NULL);
  run(L, made);
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
  run(L, kept);
  run(L, "guest:pause() assert(events:next(30).type == 'suspended') guest:resume()");
  guestlua_free(L);
  return 0;
}
