#include "loop/write.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "loop/park.h"
#include "loop/work.h"

static const char class_name[] = "guestlua.Writing";

typedef struct writing {
  gl_work work;
  gl_waitlist waiters;
  bool over, orphan; /* orphan: Lua has no more use for it; it is freed when it is over */
  int error;         /* errno; 0: it is on the disk */
  size_t length;
  const char *path; /* after the text */
  char text[];
} writing;

static void write_it(gl_work *w)
{
  writing *self = w->about;
  self->error = gl_file_write(self->path, self->text, self->length, 0600);
}

static void over(gl_work *w)
{
  writing *self = w->about;
  w->state->alive.ops--;
  self->over = true;
  gl_waitlist_wake(&self->waiters, -1);
  if (self->orphan)
    free(self);
}

static int collect(lua_State *L)
{
  writing *self = *(writing **)lua_touserdata(L, 1);
  if (self && self->over)
    free(self);
  else if (self)
    self->orphan = true;
  return 0;
}

/* core.begin_write(path, text): core.write_file on a worker. It is over when the result's wait() returns, which raises its error. */
static int begin_write(lua_State *L)
{
  size_t path_length, length;
  const char *path = luaL_checklstring(L, 1, &path_length), *text = luaL_checklstring(L, 2, &length);
  gl_state *s = gl_state_get(L);
  gl_state_check_here(L, s, "write_file");
  writing **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  luaL_setmetatable(L, class_name);
  writing *self = *box = calloc(1, sizeof *self + length + path_length + 1);
  if (!self)
    return luaL_error(L, "guestlua: out of memory");
  self->work = (gl_work){.state = s, .run = write_it, .done = over, .about = self};
  TAILQ_INIT(&self->waiters);
  self->length = length;
  self->path = self->text + length;
  memcpy(self->text, text, length);
  memcpy(self->text + length, path, path_length + 1);
  s->alive.ops++;
  gl_work_submit(&self->work);
  return 1;
}

static int await(lua_State *L, writing *self);

static int written(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  const writing *self = (const writing *)ctx;
  if (!self->over)
    return await(L, (writing *)ctx);
  if (self->error)
    gl_file_fail(L, "write", self->path, self->error);
  return 0;
}

/* A cancelled task waits all the same: nobody can take the write back, and what comes after it must find it over. */
static int await(lua_State *L, writing *self)
{
  gl_wait wait = {.list = &self->waiters, .seconds = -1, .what = "writing a file"};
  return gl_task_park(L, self->work.state, &wait, (lua_KContext)self, written);
}

static int wait_for_it(lua_State *L)
{
  writing *self = *(writing **)luaL_checkudata(L, 1, class_name);
  return written(L, LUA_OK, (lua_KContext)self);
}

void gl_write_open(lua_State *L)
{
  luaL_newmetatable(L, class_name);
  lua_pushcfunction(L, collect);
  lua_setfield(L, -2, "__gc");
  lua_newtable(L);
  lua_pushcfunction(L, wait_for_it);
  lua_setfield(L, -2, "wait");
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  lua_pushcfunction(L, begin_write);
  lua_setfield(L, -2, "begin_write");
}
