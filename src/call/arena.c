#include "call/arena.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

typedef struct gl_block {
  struct gl_block *next;
  _Alignas(void *) char room[];
} gl_block;

void *gl_arena_room(lua_State *L, gl_arena *arena, size_t size)
{
  size_t rounded = (size + sizeof(void *) - 1) & ~(sizeof(void *) - 1);
  if (size <= rounded && rounded <= arena->left) {
    arena->left -= rounded;
    return arena->room + arena->left;
  }
  gl_block *b = malloc(sizeof *b + size);
  if (!b)
    luaL_error(L, "guestlua: out of memory");
  b->next = arena->blocks;
  arena->blocks = b;
  return b->room;
}

const char *gl_arena_keep(lua_State *L, gl_arena *arena, const char *text)
{
  size_t length = strlen(text) + 1;
  return memcpy(gl_arena_room(L, arena, length), text, length);
}

void gl_arena_free(gl_arena *arena)
{
  while (arena->blocks) {
    gl_block *b = arena->blocks;
    arena->blocks = b->next;
    free(b);
  }
}
