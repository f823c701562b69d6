/* Memory with the lifetime of one call. */
#ifndef GL_ARENA_H
#define GL_ARENA_H

#include <lua.h>
#include <stddef.h>

typedef struct gl_arena {
  char *room; /* what is left of the owner's own, which is used first */
  size_t left;
  struct gl_block *blocks;
} gl_arena;

/* A copy of the text; uninitialized room. [-0, +0, e] */
const char *gl_arena_keep(lua_State *L, gl_arena *arena, const char *text);
void *gl_arena_room(lua_State *L, gl_arena *arena, size_t size);

void gl_arena_free(gl_arena *arena);

#endif
