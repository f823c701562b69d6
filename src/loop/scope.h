/*
 * What holds for a part of a task's code: a shield, or limits of its libvirt calls. It belongs to the coroutine that began it: if a
 * script's own coroutine yields in the middle, it holds again, for whichever task that is, when the coroutine is resumed.
 */
#ifndef GL_SCOPE_H
#define GL_SCOPE_H

#include "loop/wait.h"

typedef struct gl_scope {
  LIST_ENTRY(gl_scope) entry; /* in task->scopes, or in state->aside */
  gl_state *state;
  gl_task *task; /* for which it holds; NULL: it is set aside, or over */
  lua_State *L;  /* the coroutine */
  bool listed;
  bool shields;
  double calls_end, each_call; /* if it does not shield: as in gl_task */
} gl_scope;

/* Pushes a scope, which holds until gl_scope_end. [-0, +1, e] */
gl_scope *gl_scope_begin(lua_State *L, gl_task *t, bool shields, double calls_end, double each_call);
void gl_scope_end(gl_scope *scope);

/* Whether co is in a scope that holds for t; those scopes are set aside, as co does not run on; they hold for t, which resumes co. */
static inline bool gl_scope_is_in(const gl_task *t, const lua_State *co)
{
  return !LIST_EMPTY(&t->scopes) && LIST_FIRST(&t->scopes)->L == co;
}
void gl_scope_set_aside(gl_task *t, const lua_State *co);
void gl_scope_take_up(gl_task *t, const lua_State *co);

/* The task is freed. */
void gl_scope_forget(gl_task *t);

void gl_scope_open(lua_State *L);

#endif
