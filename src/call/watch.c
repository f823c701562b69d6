#include "call/watch.h"

#include <assert.h>

static int place(const gl_state *s, const gl_watcher *w)
{
  int i = 0;
  while (i < s->watcher_count && s->watchers[i] != w)
    i++;
  return i;
}

bool gl_is_watching(const gl_state *s, const gl_watcher *w)
{
  return place(s, w) < s->watcher_count;
}

void gl_watch(gl_state *s, const gl_watcher *w)
{
  if (gl_is_watching(s, w))
    return;
  assert(s->watcher_count < GL_MOST_HOOKS);
  s->watchers[s->watcher_count++] = w;
}

void gl_unwatch(gl_state *s, const gl_watcher *w)
{
  int i = place(s, w);
  if (i < s->watcher_count)
    s->watchers[i] = s->watchers[--s->watcher_count];
}

bool gl_watch_before(lua_State *L, gl_op *op)
{
  gl_state *s = op->state;
  for (int i = 0; i < s->watcher_count; i++)
    if (s->watchers[i]->before && s->watchers[i]->before(L, op))
      return true;
  return false;
}

void gl_watch_after(lua_State *L, const gl_op *op, const char *kind)
{
  gl_state *s = op->state;
  for (int i = 0; i < s->watcher_count; i++)
    if (s->watchers[i]->after)
      s->watchers[i]->after(L, op, kind);
}
