/*
 * What one call passes through, for bench/path.lua: loaded in front of a guestlua that was built with `make VARIANT=path all`, and opened
 * by the script as a module in C. It notes each function of guestlua that is entered, on any thread, and each piece of memory that one of
 * them allocates.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <lauxlib.h>
#include <link.h>
#include <lua.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST 100000

static struct {
  pid_t thread;
  const char *what; /* "enter", or the function that allocates */
  uintptr_t at;     /* in the file of the program */
} steps[MOST];
static atomic_int count;
static atomic_bool on;
static uintptr_t base, end; /* of the program in memory */

void __cyg_profile_func_enter(void *function, void *from);
void __cyg_profile_func_exit(void *function, void *from);
int luaopen_path(lua_State *L);

static void note(const char *what, const void *at)
{
  if (!atomic_load(&on) || (uintptr_t)at < base || (uintptr_t)at >= end)
    return;
  int i = atomic_fetch_add(&count, 1);
  if (i >= MOST)
    abort();
  steps[i].thread = gettid();
  steps[i].what = what;
  steps[i].at = (uintptr_t)at - base;
}

void __cyg_profile_func_enter(void *function, void *from)
{
  (void)from;
  note("enter", function);
}
void __cyg_profile_func_exit(void *function, void *from)
{
  (void)function;
  (void)from;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);

void *malloc(size_t size)
{
  note("malloc", __builtin_return_address(0));
  return __libc_malloc(size);
}
void *calloc(size_t members, size_t size)
{
  note("calloc", __builtin_return_address(0));
  return __libc_calloc(members, size);
}
void *realloc(void *block, size_t size)
{
  note("realloc", __builtin_return_address(0));
  return __libc_realloc(block, size);
}
char *strdup(const char *text)
{
  note("strdup", __builtin_return_address(0));
  return NEXT(strdup)(text);
}
void *lua_newuserdatauv(lua_State *L, size_t size, int values)
{
  note("lua_newuserdatauv", __builtin_return_address(0));
  return NEXT(lua_newuserdatauv)(L, size, values);
}
void lua_createtable(lua_State *L, int list, int fields)
{
  note("lua_createtable", __builtin_return_address(0));
  NEXT(lua_createtable)(L, list, fields);
}

/* Of the program, which is the first. */
static int find_program(struct dl_phdr_info *info, size_t size, void *unused)
{
  (void)size;
  (void)unused;
  base = info->dlpi_addr;
  for (int i = 0; i < info->dlpi_phnum; i++)
    if (info->dlpi_phdr[i].p_type == PT_LOAD)
      end = base + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;
  return 1;
}

/* path.begin() */
static int path_begin(lua_State *L)
{
  (void)L;
  dl_iterate_phdr(find_program, NULL);
  count = 0;
  on = true;
  return 0;
}

/* path.stop(): a list of {thread, what, at} */
static int path_stop(lua_State *L)
{
  on = false;
  lua_createtable(L, count, 0);
  for (int i = 0; i < count; i++) {
    lua_createtable(L, 0, 3);
    lua_pushinteger(L, steps[i].thread);
    lua_setfield(L, -2, "thread");
    lua_pushstring(L, steps[i].what);
    lua_setfield(L, -2, "what");
    lua_pushinteger(L, (lua_Integer)steps[i].at);
    lua_setfield(L, -2, "at");
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

int luaopen_path(lua_State *L)
{
  static const luaL_Reg functions[] = {{"begin", path_begin}, {"stop", path_stop}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
