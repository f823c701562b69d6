#include "call/arena.h"

#include <lauxlib.h>
#include <stdlib.h>

typedef struct gl_block {
  struct gl_block *next;
  _Alignas(void *) char room[];
} gl_block;

void *gl_arena_block(lua_State *L, gl_arena *arena, size_t size)
{
  gl_block *b = malloc(sizeof *b + size);
  if (!b)
    luaL_error(L, "guestlua: out of memory");
  b->next = arena->blocks;
  arena->blocks = b;
  return b->room;
}

void gl_arena_free(gl_arena *arena)
{
  while (arena->blocks) {
    gl_block *b = arena->blocks;
    arena->blocks = b->next;
    free(b);
  }
}
