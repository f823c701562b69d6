#include "loop/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "loop/child.h"
#include "loop/park.h"
#include "loop/run.h"

enum { HEAD = 4 };

/* On the heap: libuv may keep its handles a little longer than Lua keeps the userdata. */
typedef struct peer {
  gl_child child;
  uv_poll_t poll; /* of fd, our end of the socket pair */
  int fd;
  gl_waitlist waiters;
  int handles;        /* not closed yet */
  bool exited, ended; /* ended: there is nothing more to read */
  bool reads;         /* somebody waits for a message */
  unsigned char head[HEAD];
  char *in, *out;            /* the body of the message that comes; the one that goes */
  size_t got, size, most;    /* bytes that came, the head included; those of the body */
  size_t out_size, out_done; /* of the one that goes */
  const char *wrong;
} peer;

static const char class_name[] = "guestlua.peer";

static void on_closed(uv_handle_t *handle)
{
  peer *p = handle->data;
  if (--p->handles > 0)
    return;
  free(p->in);
  free(p->out);
  free(p);
}

static void close_handle(peer *p, void *handle)
{
  ((uv_handle_t *)handle)->data = p;
  if (!uv_is_closing(handle))
    uv_close(handle, on_closed);
}

static void on_exit_(gl_child *child)
{
  peer *p = child->poll.data;
  p->exited = true;
  gl_waitlist_wake(&p->waiters, -1);
}

static peer *check(lua_State *L)
{
  peer *p = *(peer **)luaL_checkudata(L, 1, class_name);
  if (!p)
    luaL_error(L, "the peer is closed");
  return p;
}

/* ---- the socket ---- */

/* What has not been sent yet; a socket that has gone is seen when it is read. No SIGPIPE: it would end programs that know nothing of it. */
static void flush(peer *p)
{
  while (p->out_done < p->out_size) {
    ssize_t n = send(p->fd, p->out + p->out_done, p->out_size - p->out_done, MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
      return;
    if (n < 0 && errno != EINTR)
      break;
    p->out_done += n < 0 ? 0 : (size_t)n;
  }
  free(p->out);
  p->out = NULL;
}

static bool is_whole(const peer *p)
{
  return p->in && p->got == HEAD + p->size;
}

/* The head is there. */
static void begin_body(peer *p)
{
  p->size = p->head[0] | (size_t)p->head[1] << 8 | (size_t)p->head[2] << 16 | (size_t)p->head[3] << 24;
  p->wrong = p->size == 0 ? "a message is empty" : p->size > p->most ? "a message is too long" : NULL;
  p->in = p->wrong ? NULL : malloc(p->size);
  if (!p->wrong && !p->in)
    p->wrong = "not enough memory for a message";
}

/* Takes what there is of one message, and no byte of the next. */
static void receive(peer *p)
{
  while (!p->wrong && !p->ended && !is_whole(p)) {
    bool head = p->got < HEAD;
    ssize_t n = recv(p->fd, head ? (char *)p->head + p->got : p->in + (p->got - HEAD), head ? HEAD - p->got : HEAD + p->size - p->got, 0);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
      return;
    if (n < 0 && errno == EINTR)
      continue;
    p->ended = n <= 0;
    p->got += n < 0 ? 0 : (size_t)n;
    if (head && p->got == HEAD)
      begin_body(p);
  }
  p->reads = false;
  gl_waitlist_wake(&p->waiters, -1);
}

static void on_ready(uv_poll_t *poll, int status, int events);

static void watch(peer *p)
{
  int events = (p->reads ? UV_READABLE : 0) | (p->out ? UV_WRITABLE : 0);
  if (events)
    uv_poll_start(&p->poll, events, on_ready);
  else
    uv_poll_stop(&p->poll);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
  peer *p = poll->data;
  if (p->out)
    flush(p);
  if (p->reads && (status < 0 || events & UV_READABLE))
    receive(p);
  watch(p);
}

static int read_more(lua_State *L, int status, lua_KContext ctx)
{
  (void)status, (void)ctx;
  peer *p = check(L);
  gl_task_check(L, gl_state_get(L));
  if (p->wrong) {
    lua_pushnil(L);
    lua_pushstring(L, p->wrong);
    return 2;
  } else if (is_whole(p)) {
    lua_pushlstring(L, p->in, p->size);
    free(p->in);
    p->in = NULL;
    p->got = 0;
    return 1;
  } else if (p->ended) {
    lua_pushnil(L);
    return 1;
  }
  p->reads = true;
  watch(p);
  return gl_task_wait(L, (gl_wait){.list = &p->waiters, .seconds = -1, .what = "a script's process"}, 0, read_more);
}

static int peer_read(lua_State *L)
{
  check(L)->most = (size_t)luaL_checkinteger(L, 2);
  return read_more(L, LUA_OK, 0);
}

static int peer_write(lua_State *L)
{
  peer *p = check(L);
  size_t size;
  const char *text = luaL_checklstring(L, 2, &size);
  luaL_argcheck(L, size > 0 && size <= UINT32_MAX - HEAD, 2, "no message");
  bool free_to_write = !p->out;
  if (free_to_write) {
    p->out = malloc(HEAD + size);
    if (!p->out)
      return luaL_error(L, "not enough memory");
    for (int i = 0; i < HEAD; i++)
      p->out[i] = (char)(size >> 8 * i & 0xff);
    memcpy(p->out + HEAD, text, size);
    p->out_size = HEAD + size;
    p->out_done = 0;
    flush(p);
    watch(p);
  }
  lua_pushboolean(L, free_to_write);
  return 1;
}

/* ---- its end ---- */

static int peer_kill(lua_State *L)
{
  const peer *p = check(L);
  if (!p->exited)
    kill(p->child.pid, SIGKILL);
  return 0;
}

static int exited(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  peer *p = check(L);
  gl_task_check(L, gl_state_get(L));
  if (!p->exited)
    return gl_task_wait(L, (gl_wait){.list = &p->waiters, .seconds = -1, .what = "the end of a script's process"}, ctx, exited);
  lua_pushinteger(L, p->child.code);
  lua_pushinteger(L, p->child.signo);
  return 2;
}

static int peer_wait(lua_State *L)
{
  return exited(L, LUA_OK, 0);
}

/* The process is collected at once, as the loop may end before it would hear of its end: SIGKILL lets nobody wait. */
static void drop(peer *p)
{
  gl_child_kill(&p->child);
  gl_waitlist_wake(&p->waiters, -1);
  uv_poll_stop(&p->poll);
  close(p->fd);
  close_handle(p, &p->poll);
  if (p->child.pid > 0)
    gl_child_close(&p->child, on_closed);
}

/* __gc and __close */
static int peer_close(lua_State *L)
{
  peer **owner = lua_touserdata(L, 1), *p = *owner;
  *owner = NULL;
  if (p && gl_state_is_here(gl_state_get(L))) /* the child of a fork would end the parent's process */
    drop(p);
  return 0;
}

/* ---- starting it ---- */

/* One of our own descriptors, if it is open. */
static int passed_on(int fd)
{
  return fcntl(fd, F_GETFD) < 0 ? -1 : fd;
}

/* theirs: the end of the socket pair that the program gets */
static int start(gl_state *s, peer *p, gl_child_options *options, int theirs)
{
  const int fds[] = {-1, passed_on(1), passed_on(2), theirs};
  options->fds = fds;
  options->fd_count = sizeof fds / sizeof *fds;
  int error = gl_child_start(&s->loop, &p->child, options);
  p->child.poll.data = p;
  p->handles += !error;
  return error;
}

/* With our end of a socket pair; NULL if there is no memory. */
static peer *make(gl_state *s, int ours)
{
  peer *p = calloc(1, sizeof *p);
  if (!p || uv_poll_init(&s->loop, &p->poll, ours) != 0) {
    free(p);
    return NULL;
  }
  TAILQ_INIT(&p->waiters);
  p->fd = ours;
  p->poll.data = p;
  p->child.on_exit = on_exit_;
  p->handles = 1;
  return p;
}

/* 0 or libuv's error */
static int make_and_start(gl_state *s, peer **made, gl_child_options *options)
{
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
    return uv_translate_sys_error(errno);
  peer *p = make(s, fds[0]);
  int error = p ? start(s, p, options, fds[1]) : UV_ENOMEM;
  close(fds[1]);
  if (!p)
    close(fds[0]);
  else if (error)
    drop(p);
  else
    *made = p;
  return error;
}

/* The stack: arguments, environment. */
static int peer_new(lua_State *L)
{
  gl_state *s = gl_state_get(L);
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  gl_child_options options = {0};
  options.args = gl_run_push_strings(L, 1);
  options.env = gl_run_push_strings(L, 2);
  options.file = options.args[0];
  options.args[0] = "guestlua-confined"; /* main.c knows it by this name */
  gl_task_check(L, s);
  if (s->looping)
    gl_error_throw(L, "bad_argument", "a callback of the loop cannot wait: start a task in it, guestlua.spawn(function() … end)");
  peer **owner = lua_newuserdatauv(L, sizeof *owner, 0);
  *owner = NULL;
  luaL_setmetatable(L, class_name);
  int error = make_and_start(s, owner, &options);
  if (!error)
    return 1;
  lua_pushnil(L);
  lua_pushstring(L, uv_strerror(error));
  return 2;
}

void gl_peer_open(lua_State *L)
{
  static const luaL_Reg methods[] = {{"read", peer_read},     {"write", peer_write}, {"kill", peer_kill}, {"wait", peer_wait},
                                     {"__close", peer_close}, {"__gc", peer_close},  {NULL, NULL}};
  luaL_newmetatable(L, class_name);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  lua_pushcfunction(L, peer_new);
  lua_setfield(L, -2, "peer");
}
