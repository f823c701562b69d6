/* Several states, each on a thread of its own, at once. */
#include <pthread.h>

#include "check.h"

enum { THREADS = 4 };

static void *thread_main(void *data)
{
  lua_State *L = new_state(NULL);
  lua_pushinteger(L, *(int *)data);
  lua_setglobal(L, "number");
  run(L, "local host <close> = guestlua.open('test:///default')\n"
         "local guest = host:guest('test')\n"
         "local events <close> = guest:subscribe('lifecycle')\n"
         "for i = 1, 10 do\n"
         "  local group <close> = guestlua.group()\n"
         "  for j = 1, 4 do group:spawn(function() assert(guest:get_info() and guestlua.element(guest:get_xml_desc()).name[1] == 'test') "
         "end) end\n"
         "  local ok, e = pcall(host.guest, host, {})\n"
         "  assert(not ok and e.kind == 'bad_argument')\n"
         "  assert(guestlua.open('test:///default', { readonly = true }):guest('nobody') == nil)\n"
         "  group:wait()\n"
         "  if number == 0 then guest:pause() guest:resume() end\n"
         "end\n"
         "if number == 0 then assert(events:next(30).type == 'suspended') end\n"
         "assert(guestlua.alive().ops >= 0)\n");
  guestlua_free(L);
  return NULL;
}

int main(void)
{
  pthread_t threads[THREADS];
  int numbers[THREADS];
  for (int i = 0; i < THREADS; i++) {
    numbers[i] = i;
    CHECK(pthread_create(&threads[i], NULL, thread_main, &numbers[i]) == 0);
  }
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  guestlua_end();
  return 0;
}
