/*
 * The program leads a process group of its own, so that its children are ended with it. Its input is a file in memory: it need not be
 * written while the program runs, and a program that does not read it causes no SIGPIPE. Its outputs are pipes, because the sockets that
 * libuv would make cannot be opened as /dev/stdout.
 */
#define _GNU_SOURCE /* memfd_create */
#include "loop/run.h"

#include <errno.h>
#include <lauxlib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "loop/child.h"
#include "loop/park.h"

/* Time between SIGTERM and SIGKILL. */
#define GRACE_MS 2000

extern char **environ;

typedef struct output {
  uv_pipe_t pipe;
  char *data;
  size_t size, room;
  bool open;
} output;

/* On the heap: libuv may keep its handles a little longer than Lua keeps the userdata. */
typedef struct run {
  struct run **owner; /* the userdata; holds NULL once it has released this */
  gl_child child;
  uv_timer_t timer; /* the program's time limit, then its grace period */
  output outputs[2];
  gl_waitlist waiters;
  int handles;      /* not closed yet */
  int pid;          /* of the group; 0: it was not started */
  int code;         /* once it has exited */
  const char *kind; /* of the error its task was cancelled with */
  bool exited, stopped, timed_out, no_memory, dropped;
} run;

static const char class_name[] = "guestlua.run";

static void on_closed(uv_handle_t *handle)
{
  run *r = handle->data;
  if (--r->handles > 0 || !r->dropped)
    return;
  free(r->outputs[0].data);
  free(r->outputs[1].data);
  free(r);
}

static void close_handle(run *r, void *handle)
{
  ((uv_handle_t *)handle)->data = r;
  if (!uv_is_closing(handle))
    uv_close(handle, on_closed);
}

static void close_output(run *r, output *o)
{
  if (o->open)
    close_handle(r, &o->pipe);
  o->open = false;
}

/* Over: its output is read to the end, unless it was stopped; then a process that holds a pipe open is not waited for. */
static bool is_over(const run *r)
{
  return r->exited && (r->stopped || (!r->outputs[0].open && !r->outputs[1].open));
}

static void wake_if_over(run *r)
{
  if (is_over(r))
    gl_waitlist_wake(&r->waiters, -1);
}

static void send_signal(const run *r, int signo)
{
  if (r->pid > 0)
    kill(-r->pid, signo);
}

static void on_grace_over(uv_timer_t *timer)
{
  send_signal(timer->data, SIGKILL);
}

/* SIGKILL the second time, and if only its children are left. */
static void stop(run *r)
{
  send_signal(r, r->stopped || r->exited ? SIGKILL : SIGTERM);
  r->stopped = true;
  if (!r->exited)
    uv_timer_start(&r->timer, on_grace_over, GRACE_MS, 0);
  wake_if_over(r);
}

static void on_time_over(uv_timer_t *timer)
{
  run *r = timer->data;
  r->timed_out = true;
  stop(r);
}

static void on_exit_(gl_child *child)
{
  run *r = child->poll.data;
  r->exited = true;
  r->code = child->signo ? 128 + child->signo : child->code;
  if (r->stopped)
    send_signal(r, SIGKILL); /* its children */
  wake_if_over(r);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
  output *o = (output *)handle;
  if (o->room - o->size < suggested) {
    size_t room = o->room * 2 + suggested;
    char *data = realloc(o->data, room);
    if (!data) {
      *buf = uv_buf_init(NULL, 0); /* then on_read gets UV_ENOBUFS */
      return;
    }
    o->data = data;
    o->room = room;
  }
  *buf = uv_buf_init(o->data + o->size, (unsigned int)suggested);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
  (void)buf;
  run *r = stream->data;
  output *o = (output *)stream;
  if (size >= 0) {
    o->size += (size_t)size;
    return;
  }
  close_output(r, o);
  if (size != UV_EOF) {
    r->no_memory = true;
    stop(r);
  }
  wake_if_over(r);
}

/* ---- starting it ---- */

/* A descriptor to read the text from; negative: libuv's error. */
static int make_input(const char *text, size_t size)
{
  int fd = memfd_create("input", MFD_CLOEXEC);
  if (fd >= 0 && gl_file_write_all(fd, text, size) == 0 && lseek(fd, 0, SEEK_SET) == 0)
    return fd;
  int why = errno;
  if (fd >= 0)
    close(fd);
  return uv_translate_sys_error(why);
}

/* Makes the pipe of an output; returns the end that the program writes to. */
static int make_output(gl_state *s, run *r, output *o)
{
  uv_file fds[2];
  int error = uv_pipe(fds, UV_NONBLOCK_PIPE, 0);
  if (error)
    return error;
  uv_pipe_init(&s->loop, &o->pipe, 0);
  r->handles++;
  o->open = true;
  o->pipe.data = r;
  error = uv_pipe_open(&o->pipe, fds[0]);
  if (error)
    close(fds[0]);
  else
    error = uv_read_start((uv_stream_t *)&o->pipe, on_alloc, on_read);
  if (!error)
    return fds[1];
  close(fds[1]);
  return error;
}

/* 0 or libuv's error. Everything made by then is closed when the run is dropped. */
static int start(gl_state *s, run *r, gl_child_options *options, const char *input, size_t input_size)
{
  int fds[3] = {-1, -1, -1}, error = 0;
  for (int i = 0; i < 3 && error == 0; i++) {
    int fd = i > 0 ? make_output(s, r, &r->outputs[i - 1]) : input ? make_input(input, input_size) : -1;
    if (fd >= 0)
      fds[i] = fd;
    else if (i > 0 || input)
      error = fd;
  }
  options->fds = fds;
  options->fd_count = 3;
  if (error == 0) {
    error = gl_child_start(&s->loop, &r->child, options);
    r->pid = r->child.pid;
    r->child.poll.data = r;
    r->handles += !error;
  }
  for (int i = 0; i < 3; i++)
    if (fds[i] >= 0)
      close(fds[i]);
  return error;
}

/* ---- for Lua ---- */

/* Ends everything that still runs, and releases the run, which is freed when libuv has closed its handles. The program is collected at
 * once, as the loop may end before it would hear of its end: SIGKILL lets nobody wait. */
static void drop(run *r)
{
  *r->owner = NULL;
  r->dropped = true;
  if (!is_over(r))
    send_signal(r, SIGKILL);
  gl_child_kill(&r->child);
  close_output(r, &r->outputs[0]);
  close_output(r, &r->outputs[1]);
  if (r->pid > 0)
    gl_child_close(&r->child, on_closed);
  close_handle(r, &r->timer);
}

static int run_gc(lua_State *L)
{
  run *r = *(run **)lua_touserdata(L, 1);
  if (r && gl_state_is_here(gl_state_get(L))) /* the child of a fork would end the parent's program */
    drop(r);
  return 0;
}

/* Pushes the userdata that has the run. */
static run *push_run(lua_State *L, gl_state *s)
{
  run **owner = lua_newuserdatauv(L, sizeof *owner, 0);
  run *r = *owner = calloc(1, sizeof *r);
  if (!r)
    luaL_error(L, "not enough memory");
  r->owner = owner;
  r->child.on_exit = on_exit_;
  TAILQ_INIT(&r->waiters);
  uv_timer_init(&s->loop, &r->timer);
  r->timer.data = r;
  r->handles = 1;
  luaL_setmetatable(L, class_name);
  return r;
}

char **gl_run_push_strings(lua_State *L, int index)
{
  lua_Integer count = (lua_Integer)lua_rawlen(L, index);
  char **strings = lua_newuserdatauv(L, ((size_t)count + 1) * sizeof *strings, 0);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, index, i);
    strings[i - 1] = (char *)lua_tostring(L, -1); /* the list keeps it */
    lua_pop(L, 1);
  }
  strings[count] = NULL;
  return strings;
}

/* Pushes a list of "NAME=value": this process's environment, with the changes of the table at index. */
static void push_environment(lua_State *L, int index)
{
  lua_Integer count = 0;
  lua_newtable(L);
  for (char **variable = environ; *variable; variable++) {
    lua_pushlstring(L, *variable, strcspn(*variable, "="));
    bool other = lua_rawget(L, index) != LUA_TNIL;
    lua_pop(L, 1);
    if (!other) {
      lua_pushstring(L, *variable);
      lua_rawseti(L, -2, ++count);
    }
  }
  for (lua_pushnil(L); lua_next(L, index);) {
    if (lua_type(L, -1) == LUA_TSTRING) {
      lua_pushfstring(L, "%s=%s", lua_tostring(L, -2), lua_tostring(L, -1));
      lua_rawseti(L, -4, ++count);
    }
    lua_pop(L, 1);
  }
}

static int finished(lua_State *L, int status, lua_KContext ctx);

static int await_end(lua_State *L, run *r)
{
  if (!is_over(r))
    return gl_task_wait(L, (gl_wait){.list = &r->waiters, .seconds = -1, .what = "a program"}, (lua_KContext)r, finished);
  if (r->no_memory)
    return luaL_error(L, "not enough memory");
  if (r->kind) {
    const char *kind = r->kind;
    drop(r);
    gl_error_throw(L, kind, "%s, and the program with it", kind);
  }
  lua_pushinteger(L, r->code);
  lua_pushlstring(L, r->outputs[0].data ? r->outputs[0].data : "", r->outputs[0].size);
  lua_pushlstring(L, r->outputs[1].data ? r->outputs[1].data : "", r->outputs[1].size);
  lua_pushboolean(L, r->timed_out);
  drop(r);
  return 4;
}

static int finished(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  run *r = (run *)ctx;
  const char *kind = gl_task_cancelled(gl_state_get(L));
  if (kind) {
    r->kind = kind;
    stop(r);
  }
  return await_end(L, r);
}

/* The stack: arguments, environment, input, cwd, seconds. */
static int run_program(lua_State *L)
{
  gl_state *s = gl_state_get(L);
  size_t input_size = 0;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 5);
  const char *input = luaL_optlstring(L, 3, NULL, &input_size);
  gl_child_options options = {.cwd = luaL_optstring(L, 4, NULL)};
  double seconds = luaL_optnumber(L, 5, -1);
  options.args = gl_run_push_strings(L, 1);
  if (lua_istable(L, 2)) {
    push_environment(L, 2);
    options.env = gl_run_push_strings(L, lua_gettop(L));
  }
  gl_task_check(L, s);
  if (s->looping)
    gl_error_throw(L, "bad_argument", "run: a callback of the loop cannot wait: start a task in it, guestlua.spawn(function() … end)");
  run *r = push_run(L, s);
  int error = start(s, r, &options, input, input_size);
  if (error) {
    drop(r);
    lua_pushnil(L);
    lua_pushstring(L, uv_strerror(error));
    return 2;
  }
  uv_update_time(&s->loop);
  if (seconds >= 0)
    uv_timer_start(&r->timer, on_time_over, seconds < 1e9 ? (uint64_t)(seconds * 1000) : (uint64_t)1e12, 0);
  return await_end(L, r);
}

void gl_run_open(lua_State *L)
{
  luaL_newmetatable(L, class_name);
  lua_pushcfunction(L, run_gc);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  lua_pushcfunction(L, run_program);
  lua_setfield(L, -2, "run");
}
