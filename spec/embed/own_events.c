/* The program runs libvirt's event loop: on a thread of its own, on its only thread, or not at all. */
#include <libvirt/virterror.h>
#include <pthread.h>
#include <stdatomic.h>

#include "check.h"

static atomic_int errors;

static void on_error(void *unused, virErrorPtr error)
{
  (void)unused;
  (void)error;
  errors++;
}

static atomic_bool stop;

static void *events(void *unused)
{
  (void)unused;
  while (!stop)
    virEventRunDefaultImpl();
  return NULL;
}

static void nothing(int timer, void *unused)
{
  (void)timer;
  (void)unused;
}

static const char *const script = "local host <close> = guestlua.open('test:///default')\n"
                                  "local guest = host:guest('test')\n"
                                  "local heard <close> = guest:subscribe('lifecycle')\n"
                                  "guest:pause() guest:resume()\n"
                                  "assert(heard:next(60).type == 'suspended' and heard:next(60).type == 'resumed')\n";

/* How many threads the process has. */
static int thread_count(void)
{
  char line[200];
  int count = 0;
  FILE *file = fopen("/proc/self/status", "r");
  while (fgets(line, sizeof line, file))
    sscanf(line, "Threads: %d", &count);
  fclose(file);
  return count;
}

static void never_runs(lua_State *L)
{
  load(L, script);
  CHECK(guestlua_run(L, 0) == LUA_ERRRUN);
  lua_getfield(L, -2, "kind");
  CHECK(strcmp(lua_tostring(L, -1), "no_event_loop") == 0 && strstr(guestlua_text(L, -3), "has said that it runs libvirt's event loop"));
  lua_settop(L, 0);

  /* The same for a connection of the program's, where only the events need the loop. */
  virConnectPtr conn = virConnectOpen(URI);
  guestlua_push_connect(L, conn);
  lua_setglobal(L, "host");
  run(L, "local guest = host:guest('test') assert(guest:is_active())\n"
         "local ok, e = pcall(guest.subscribe, guest, 'lifecycle') assert(not ok and e.kind == 'no_event_loop', e) host:close()");
  CHECK(virConnectClose(conn) == 0);
}

static void in_one_loop(lua_State *L)
{
  load(L, script);
  CHECK(guestlua_spawn(L, 0) == LUA_OK);
  while (guestlua_dispatch(L) > 0) {
    int timer = virEventAddTimeout(10, nothing, NULL, NULL); /* a loop of both would have one poll: this one turns in turns */
    virEventRunDefaultImpl();
    virEventRemoveTimeout(timer);
  }
  CHECK(guestlua_result(L, -1) == LUA_OK);
  lua_settop(L, 0);
}

static void on_its_own_thread(lua_State *L)
{
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, events, NULL) == 0);
  run(L, script);
  stop = true;
  virEventAddTimeout(0, nothing, NULL, NULL);
  pthread_join(thread, NULL);
}

int main(void)
{
  virEventRegisterDefaultImpl();
  virSetErrorFunc(NULL, on_error);
  CHECK(guestlua_choose(true, true) == 0);
  int before = thread_count();
  lua_State *L = new_state(NULL);
  CHECK(thread_count() == before); /* none is ours */
  CHECK(luaL_dostring(L, "guestlua.open('nowhere:///')") != LUA_OK && errors > 0);
  lua_settop(L, 0);
  CHECK(luaL_dostring(L, "guestlua.open('test:///default'):close()") == LUA_OK); /* before the loop runs, outside of tasks */
  never_runs(L);
  in_one_loop(L);
  on_its_own_thread(L);
  guestlua_free(L);
  guestlua_end();
  return 0;
}
