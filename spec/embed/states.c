/* states COUNT: makes and frees states; prints how many KiB the process has grown in the second half of them: in the first the
 * arenas of the threads' allocator grow, by an amount that is the allocator's and differs from run to run. */
#include <malloc.h>

#include "check.h"

static long resident(void)
{
  char line[200];
  long kib = 0;
  FILE *file = fopen("/proc/self/status", "r");
  while (fgets(line, sizeof line, file))
    sscanf(line, "VmRSS: %ld", &kib);
  fclose(file);
  return kib;
}

int main(int argc, char **argv)
{
  int count = argc > 1 ? atoi(argv[1]) : 100;
  long before = 0;
  for (int i = 0; i < count; i++) {
    lua_State *L = new_state(NULL);
    run(L, "local host <close> = guestlua.open('test:///default') assert(host:guest('test'):is_active())");
    guestlua_free(L);
    if (i == count / 2) {
      malloc_trim(0);
      before = resident();
    }
  }
  malloc_trim(0);
  printf("%ld\n", resident() - before);
  guestlua_end();
  return 0;
}
