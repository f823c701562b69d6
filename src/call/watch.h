/*
 * The watchers of calls: a list in the state. op knows neither log nor dry run; they are watchers, as a recorder or a player would be.
 */
#ifndef GL_WATCH_H
#define GL_WATCH_H

#include "call/op.h"

struct gl_watcher {
  /* Before the call is made, with its arguments read: true if the watcher answers for the call, which is then not made. The values it
   * pushed are the results; it may raise instead. Lua thread; may be NULL. */
  bool (*before)(lua_State *L, gl_op *op);

  /* The call is over; or it was abandoned, for the reason in kind. Lua thread; may be NULL. */
  void (*after)(lua_State *L, const gl_op *op, const char *kind);
};

/* Turns watching on or off; whether it is on. */
void gl_watch(gl_state *s, const gl_watcher *w);
void gl_unwatch(gl_state *s, const gl_watcher *w);
bool gl_is_watching(const gl_state *s, const gl_watcher *w);

/* For invoke.c: asks all watchers; reports to all watchers. [-0, +?, v] */
bool gl_watch_before(lua_State *L, gl_op *op);
void gl_watch_after(lua_State *L, const gl_op *op, const char *kind);

#endif
