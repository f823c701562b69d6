#include "nbd/open.h"

#ifdef GL_NBD
#include <lauxlib.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "loop/park.h"
#include "nbd/copy.h"

#define MOST_ARGUMENTS 31

/* In the heap: libuv may have its handle a little longer than Lua has its userdata. */
typedef struct job {
  pthread_t thread;
  bool runs; /* and has to be joined */
  atomic_bool over;
  uv_async_t ended;
  gl_waitlist waiters;
  gl_nbd_copy copy;
  gl_sums_list lists[GL_MOST_LISTS + 1]; /* the first is for the list that is made */
  char *commands[GL_NBD_SIDES][MOST_ARGUMENTS + 1];
} job;

static const char class_name[] = "guestlua.nbd_copy";

static void *run(void *data)
{
  job *j = data;
  gl_nbd_copy_run(&j->copy);
  atomic_store(&j->over, true);
  uv_async_send(&j->ended);
  return NULL;
}

static void on_ended(uv_async_t *async)
{
  gl_waitlist_wake(&((job *)async->data)->waiters, -1);
}

static void on_closed(uv_handle_t *handle)
{
  free(handle->data);
}

static int drop(lua_State *L)
{
  job **owner = luaL_checkudata(L, 1, class_name), *j = *owner;
  if (!j || !gl_state_is_here(gl_state_get(L))) /* the child of a fork does not have the thread */
    return 0;
  *owner = NULL;
  atomic_store(&j->copy.pair.cancelled, true);
  if (j->runs)
    pthread_join(j->thread, NULL);
  uv_close((uv_handle_t *)&j->ended, on_closed);
  return 0;
}

/* Pushes the userdata; its user value is a list of all texts that the thread reads. */
static job *push_job(lua_State *L, gl_state *s)
{
  job **owner = lua_newuserdatauv(L, sizeof *owner, 1);
  *owner = NULL;
  luaL_setmetatable(L, class_name);
  lua_newtable(L);
  lua_setiuservalue(L, -2, 1);
  job *j = calloc(1, sizeof *j);
  if (!j)
    luaL_error(L, "not enough memory");
  j->ended.data = j;
  TAILQ_INIT(&j->waiters);
  if (uv_async_init(&s->loop, &j->ended, on_ended) != 0) {
    free(j);
    luaL_error(L, "nbd_copy: no wakeup");
  }
  *owner = j;
  return j;
}

/* The text on top of the stack, kept by the job at index 2; nil: NULL. [-1, +0, e] */
static const char *keep(lua_State *L)
{
  const char *text = lua_isnil(L, -1) ? NULL : luaL_checkstring(L, -1);
  if (text) {
    lua_getiuservalue(L, 2, 1);
    lua_pushvalue(L, -2);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return text;
}

static const char *text_field(lua_State *L, const char *key)
{
  lua_getfield(L, 1, key);
  return keep(L);
}

static bool flag_field(lua_State *L, const char *key)
{
  lua_getfield(L, 1, key);
  bool flag = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return flag;
}

/* A URI, or a list of words. */
static void read_side(lua_State *L, job *j, int number, const char *key, const char *name)
{
  gl_nbd_side *side = &j->copy.pair.sides[number];
  side->name = name;
  if (lua_getfield(L, 1, key) != LUA_TTABLE) {
    side->uri = keep(L);
    return;
  }
  lua_Integer count = (lua_Integer)lua_rawlen(L, -1);
  luaL_argcheck(L, count > 0 && count <= MOST_ARGUMENTS, 1, "too many words");
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, -1, i);
    j->commands[number][i - 1] = (char *)keep(L);
  }
  side->command = j->commands[number];
  lua_pop(L, 1);
}

/* Appends the lists of a field to those that the copy has; returns how many. */
static int read_lists(lua_State *L, job *j, const char *key)
{
  gl_sums_list *lists = &j->lists[1 + j->copy.list_count];
  lua_Integer count = 0;
  if (lua_getfield(L, 1, key) == LUA_TTABLE) {
    count = (lua_Integer)lua_rawlen(L, -1);
    luaL_argcheck(L, count <= GL_MOST_LISTS - j->copy.list_count, 1, "too many lists");
    for (lua_Integer i = 0; i < count; i++) {
      lua_rawgeti(L, -1, i + 1);
      lua_getfield(L, -1, "path");
      lists[i].path = keep(L);
      lua_getfield(L, -1, "sha256");
      lists[i].sha256 = keep(L);
      lua_pop(L, 1);
    }
  }
  lua_pop(L, 1);
  return (int)count;
}

/* A thread that leaves signals to the Lua thread. */
static int start(job *j)
{
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int why = pthread_create(&j->thread, NULL, run, j);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  j->runs = why == 0;
  return why;
}

static int nbd_copy(lua_State *L)
{
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  job *j = push_job(L, gl_state_get(L));
  read_side(L, j, 0, "from", "the source");
  read_side(L, j, 1, "to", "the destination");
  j->copy.lists = &j->lists[1];
  j->copy.list_count = read_lists(L, j, "lists");
  j->copy.below_count = read_lists(L, j, "below");
  j->copy.pair.sides[0].bitmap = text_field(L, "bitmap");
  j->copy.made = text_field(L, "made");
  j->copy.compare = flag_field(L, "compare");
  j->copy.whole = flag_field(L, "whole");
  j->copy.over = flag_field(L, "over");
  j->copy.probe = flag_field(L, "probe");
  lua_getfield(L, 1, "rate");
  j->copy.rate = (uint64_t)luaL_optinteger(L, -1, 0);
  lua_settop(L, 2);
  int why = start(j);
  if (why)
    gl_error_throw(L, "system_error", "cannot start a thread: %s", strerror(why));
  return 1;
}

static job *check(lua_State *L)
{
  job *j = *(job **)luaL_checkudata(L, 1, class_name);
  if (!j)
    luaL_error(L, "the copy is closed");
  return j;
}

static int waited(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  (void)ctx;
  gl_task_check(L, gl_state_get(L));
  lua_pushboolean(L, atomic_load(&check(L)->over));
  return 1;
}

static int wait(lua_State *L)
{
  job *j = check(L);
  double seconds = luaL_optnumber(L, 2, -1);
  if (atomic_load(&j->over))
    return waited(L, LUA_OK, 0);
  return gl_task_wait(L, (gl_wait){.list = &j->waiters, .seconds = seconds, .what = "a copy"}, 0, waited);
}

static void set_count(lua_State *L, const char *name, unsigned long long value)
{
  lua_pushinteger(L, (lua_Integer)value);
  lua_setfield(L, -2, name);
}

static int progress(lua_State *L)
{
  gl_nbd_copy *c = &check(L)->copy;
  lua_createtable(L, 0, 7);
  set_count(L, "size", atomic_load(&c->size));
  set_count(L, "at", atomic_load(&c->at));
  set_count(L, "read", atomic_load(&c->read));
  set_count(L, "written", atomic_load(&c->written));
  set_count(L, "zeroed", atomic_load(&c->zeroed));
  return 1;
}

static void set_sum(lua_State *L, const char *name, const char *sum)
{
  lua_pushstring(L, *sum ? sum : NULL);
  lua_setfield(L, -2, name);
}

static int result(lua_State *L)
{
  job *j = check(L);
  if (!atomic_load(&j->over))
    return luaL_error(L, "the copy goes on");
  const gl_nbd_failure *f = &j->copy.pair.failure;
  if (f->kind)
    gl_error_throw(L, f->kind, "%s", f->text);
  progress(L);
  set_sum(L, "made_sha256", j->copy.made_sha256);
  set_sum(L, "image_sha256", j->copy.image_sha256);
  return 1;
}

/* core.sha256(text): as 64 digits. */
static int sha256(lua_State *L)
{
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  struct sha256_ctx sha;
  uint8_t digest[SHA256_DIGEST_SIZE];
  char digits[GL_SUM_TEXT];
  sha256_init(&sha);
  sha256_update(&sha, length, (const uint8_t *)text);
  sha256_digest(&sha, sizeof digest, digest);
  gl_sum_text(digest, digits);
  lua_pushstring(L, digits);
  return 1;
}

void gl_nbd_open(lua_State *L)
{
  static const luaL_Reg methods[] = {{"wait", wait}, {"progress", progress}, {"result", result}, {"close", drop},
                                     {"__gc", drop}, {"__close", drop},      {NULL, NULL}};
  luaL_newmetatable(L, class_name);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  lua_pushcfunction(L, nbd_copy);
  lua_setfield(L, -2, "nbd_copy");
  lua_pushcfunction(L, sha256);
  lua_setfield(L, -2, "sha256");
}

#else

void gl_nbd_open(lua_State *L)
{
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "nbd_copy");
}

#endif
