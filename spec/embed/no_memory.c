/* A state that has no memory left, from any allocation on: it ends, with or without an error, and leaves nothing. Who waited for a task
 * that had no memory to say that it had ended waited for ever. */
#include <lauxlib.h>
#include <stdlib.h>

#include "check.h"
#include "guestlua.h"

typedef struct memory {
  long asked, most; /* allocations so far; after how many there is no more, 0: never */
  long blocks;
} memory;

static void *allocate(void *data, void *block, size_t old, size_t new)
{
  memory *m = data;
  if (new == 0) {
    m->blocks -= block != NULL;
    free(block);
    return NULL;
  }
  bool more = !block || new > old;
  if (more && m->asked++ >= m->most && m->most)
    return NULL;
  void *result = realloc(block, new);
  m->blocks += !block && result;
  return result;
}

static const char script[] = "pcall(guestlua.timeout, 0.001, guestlua.sleep, 1e6)\n"
                             "local group <close> = guestlua.group({ limit = 2 })\n"
                             "group:spawn(guestlua.sleep, 1e6)\n"
                             "group:spawn(error, 'no')\n"
                             "group:spawn(guestlua.sleep, 1e6)\n"
                             "guestlua.sleep(0)\n";

/* Runs it with so many allocations, 0: as many as it wants; returns how many there were. at_start: as the script begins. */
static long with_memory(long most, long *at_start)
{
  memory m = {.most = most};
  guestlua_options options = {.size = sizeof options, .alloc = allocate, .alloc_data = &m};
  lua_State *L = guestlua_new(&options, NULL, 0);
  if (L) {
    if (at_start)
      *at_start = m.asked;
    if (luaL_loadstring(L, script) == LUA_OK)
      CHECK(guestlua_run(L, 0) >= LUA_OK);
    guestlua_free(L);
  }
  CHECK(m.blocks == 0);
  return m.asked;
}

int main(void)
{
  long from = 0, to = with_memory(0, &from);
  CHECK(from > 0 && to > from);
  for (long most = from; most < to; most++)
    with_memory(most, NULL);
  guestlua_end();
  return 0;
}
