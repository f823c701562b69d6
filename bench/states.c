/* states CYCLES: what Lua states cost. Prints lines "what TAB number TAB unit" for bench/states. */
#include <guestlua.h>
#include <lauxlib.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { AT_ONCE = 100, ROUNDS = 50 };

static double now_ms(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static long resident_kib(void)
{
  char line[200];
  long kib = 0;
  FILE *file = fopen("/proc/self/status", "r");
  while (file && fgets(line, sizeof line, file))
    sscanf(line, "VmRSS: %ld", &kib);
  if (file)
    fclose(file);
  return kib;
}

/* A state that has made its first call. */
static lua_State *new_state(void)
{
  char why[200];
  lua_State *L = guestlua_new(NULL, why, sizeof why);
  if (L && luaL_loadstring(L, "host = guestlua.open('test:///default') return host:guest('test'):is_active()") == LUA_OK &&
      guestlua_run(L, 0) == LUA_OK && lua_toboolean(L, -1))
    return L;
  fprintf(stderr, "states: %s\n", L ? lua_tostring(L, -1) : why);
  exit(1);
}

static int by_value(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
  int cycles = argc > 1 ? atoi(argv[1]) : 10000;
  double began = now_ms(), times[ROUNDS];
  guestlua_free(new_state());
  printf("first state to its first call\t%.2f\tms\n", now_ms() - began);
  for (int i = 0; i < ROUNDS; i++) {
    began = now_ms();
    lua_State *L = new_state();
    times[i] = now_ms() - began;
    guestlua_free(L);
  }
  qsort(times, ROUNDS, sizeof *times, by_value);
  printf("a later one, median of %d\t%.2f\tms\n", ROUNDS, times[ROUNDS / 2]);

  lua_State *states[AT_ONCE];
  malloc_trim(0);
  long before = resident_kib();
  began = now_ms();
  for (int i = 0; i < AT_ONCE; i++)
    states[i] = new_state();
  printf("%d states at once, time\t%.1f\tms\n", AT_ONCE, now_ms() - began);
  printf("memory of one of them\t%.0f\tKiB\n", (double)(resident_kib() - before) / AT_ONCE);
  for (int i = 0; i < AT_ONCE; i++)
    guestlua_free(states[i]);

  for (int i = 0; i < cycles; i++) {
    if (i == cycles / 10) {
      malloc_trim(0);
      before = resident_kib();
    }
    guestlua_free(new_state());
  }
  malloc_trim(0);
  printf("growth over %d states made and freed\t%ld\tKiB\n", cycles - cycles / 10, resident_kib() - before);
  guestlua_end();
  return 0;
}
