/* Memory with the lifetime of one call. */
#ifndef GL_ARENA_H
#define GL_ARENA_H

#include <lua.h>
#include <stddef.h>
#include <string.h>

typedef struct gl_arena {
  char *room; /* what is left of the owner's own, which is used first */
  size_t left;
  struct gl_block *blocks;
} gl_arena;

/* Uninitialized room, of the system's; the same, of the owner's own if it has so much; a copy of the text. [-0, +0, e] */
void *gl_arena_block(lua_State *L, gl_arena *arena, size_t size);
static inline void *gl_arena_room(lua_State *L, gl_arena *arena, size_t size)
{
  size_t rounded = (size + sizeof(void *) - 1) & ~(sizeof(void *) - 1);
  if (rounded < size || rounded > arena->left)
    return gl_arena_block(L, arena, size);
  arena->left -= rounded;
  return arena->room + arena->left;
}
static inline const char *gl_arena_keep(lua_State *L, gl_arena *arena, const char *text)
{
  size_t length = strlen(text) + 1;
  return memcpy(gl_arena_room(L, arena, length), text, length);
}

void gl_arena_free(gl_arena *arena);

#endif
