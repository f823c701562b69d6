#include "virt/stream/class.h"

#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "call/args.h"
#include "call/flight.h"
#include "call/libvirt_names.h"
#include "call/push.h"
#include "call/values.h"
#include "event/thread.h"
#include "loop/park.h"
#include "virt/stream/stream.h"

typedef struct stream_object {
  gl_object object;
  gl_handle *handle, *guest;
  gl_stream *stream; /* the handle's */
} stream_object;

static void stream_bind(lua_State *L, gl_object *self, gl_op *op)
{
  (void)L;
  op->subject = ((stream_object *)self)->handle;
  op->uri = self->connection->uri;
}

/* The end may have to speak to the daemon, which is left to a worker, in the guest's lane for it. */
typedef struct end_op {
  gl_op op;
  gl_handle *handle;
} end_op;

static int end_run(gl_op *op)
{
  gl_handle_unref(((end_op *)op)->handle); /* a write under way still has it, and comes to its end now */
  return 0;
}
static const gl_opdef end_def = {.name = "close", .call = "virStreamAbort", .size = sizeof(end_op), .run = end_run, .lane = GL_LANE_STREAM};

static void stream_close(gl_object *self)
{
  stream_object *o = (stream_object *)self;
  self->connection->state->alive.objects--;
  gl_stream_detach(o->stream);
  end_op *end = (end_op *)gl_op_detached(self->connection, &end_def, o->guest);
  if (!end)
    return;
  end->handle = o->handle;
  gl_op_submit(&end->op);
}

static const gl_type stream_type = {.name = "Stream", .bind = stream_bind, .close = stream_close};

/* Pushes a Stream that takes over *stream. [-0, +1, e] */
static void push_stream(lua_State *L, const gl_op *op, const char *name, gl_stream **stream)
{
  stream_object *o = gl_object_new(L, &stream_type, sizeof *o, 1);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  if (!op->connection->handle)
    gl_error_throw(L, "closed", "the host was closed meanwhile");
  gl_handle *handle = gl_handle_new(&gl_stream_handle, *stream, name);
  if (!handle || gl_stream_attach(*stream, &op->state->loop) < 0) {
    if (handle)
      gl_handle_forget(handle);
    luaL_error(L, "guestlua: out of memory");
  }
  memcpy(handle->uuid, stream, sizeof *stream); /* no two have the same */
  o->handle = handle;
  o->guest = gl_handle_ref(op->subject);
  o->stream = *stream;
  *stream = NULL;
  gl_object_adopt(L, &o->object, op->connection);
  op->state->alive.objects++;
}

/* ---- Guest's ---- */

typedef struct open_op {
  gl_op op;
  const char *device;
  gl_stream *stream;
} open_op;

/* For run: `begin` opens it at libvirt. */
static int open_stream(gl_op *op, int (*begin)(virDomainPtr dom, const char *name, virStreamPtr stream, unsigned int flags))
{
  open_op *self = (open_op *)op;
  if (gl_event_await_loop(op) < 0 || !(self->stream = gl_stream_new(op->connect, op->connection->remote)))
    return -1;
  if (begin(gl_op_domain(op), self->device, self->stream->stream, op->args.flags) == 0 && gl_stream_begin(self->stream) == 0)
    return 0;
  op->error = virSaveLastError();
  return -1;
}

static int open_push(lua_State *L, gl_op *op)
{
  open_op *self = (open_op *)op;
  push_stream(L, op, self->device ? self->device : "console", &self->stream);
  return 1;
}

/* What was opened too late, for nobody: the daemon may take as long to end it. */
static void open_release(gl_op *op)
{
  gl_stream *stream = ((open_op *)op)->stream;
  if (stream)
    gl_work_discard(op->state, gl_stream_handle.free, stream);
}

static const gl_param console_params[] = {
  GL_OPTION(open_op, device, &gl_string, "the alias of a serial, parallel or console device; default: the first console, or serial device"),
  GL_OPTION_FLAG("force", VIR_DOMAIN_CONSOLE_FORCE, "take it from whoever has it open"),
  GL_OPTION_FLAG("safe", VIR_DOMAIN_CONSOLE_SAFE, "only if the driver makes sure that nobody else has it open"),
  GL_END,
};

static int console_run(gl_op *op)
{
  return open_stream(op, virDomainOpenConsole);
}
static const gl_opdef console_def = {
  .name = "console",
  .call = "virDomainOpenConsole",
  .help =
    "Opens a console of the running guest. From then on what the guest prints is kept for the Stream's reader. A console has one user at a time: "
    "close it. guestlua console is the same at the terminal.",
  .result = {"Stream"},
  .params = console_params,
  .size = sizeof(open_op),
  .run = console_run,
  .push = open_push,
  .release = open_release,
  .names_device = true,
  .changes = true,
  .lane = GL_LANE_STREAM,
};

static const gl_param channel_params[] = {
  GL_ARG_OR_NIL(open_op, device, &gl_string, "the channel's target name or its alias; nil: the first channel"),
  GL_OPTION_FLAG("force", VIR_DOMAIN_CHANNEL_FORCE, "take it from whoever has it open"),
  GL_END,
};

static int channel_run(gl_op *op)
{
  return open_stream(op, virDomainOpenChannel);
}
static const gl_opdef channel_def = {
  .name = "channel",
  .call = "virDomainOpenChannel",
  .help =
    "Opens a channel to a program in the running guest, which is a port in /dev/virtio-ports there. It has one user at a time: close it.",
  .result = {"Stream"},
  .params = channel_params,
  .size = sizeof(open_op),
  .run = channel_run,
  .push = open_push,
  .release = open_release,
  .names_device = true,
  .changes = true,
  .lane = GL_LANE_STREAM,
};

const gl_opdef *const gl_guest_stream_ops[] = {&console_def, &channel_def, NULL};

/* ---- reading ---- */

typedef struct read_args {
  gl_args args;
  long long max;
  double timeout;
} read_args;

static const gl_param read_params[] = {
  {.name = "max",
   .kind = &gl_integer,
   .positional = true,
   .max = GL_STREAM_ROOM,
   .offset = offsetof(read_args, max),
   .help = "how many bytes at most; nil: all that are there"},
  GL_OPTION(read_args, timeout, &gl_number, "seconds to wait at most; default: no limit"),
  GL_END,
};

/* Why nothing more comes, if that is an error. */
static void raise_end(lua_State *L, stream_object *self)
{
  const virError *e = self->stream->error; /* never changes once the stream has ended */
  const char *kind = e ? gl_enum_name(&gl_error_codes, e->code) : NULL;
  if (e)
    gl_error_throw(L, kind ? kind : "unknown", "read: stream '%s' broke off: %s", self->handle->name,
                   e->message ? e->message : "no reason given");
}

/* The stack: the Stream, the most bytes, the end of the time (infinity: none). */
static int read_resumed(lua_State *L, int status, lua_KContext ctx);

/* Pushes what is there, up to `most` bytes, and how many were lost in front of them; 0: nothing is there, and nothing was pushed. */
static int push_bytes(lua_State *L, gl_stream *s, size_t most, bool *ended)
{
  pthread_mutex_lock(&s->mutex);
  size_t count = s->count < most ? s->count : most; /* it does not become less: this is the only thread that takes some */
  *ended = s->ended;
  pthread_mutex_unlock(&s->mutex);
  if (count == 0)
    return 0;
  luaL_Buffer b;
  char *bytes = luaL_buffinitsize(L, &b, count);
  pthread_mutex_lock(&s->mutex);
  count = gl_stream_take(s, bytes, count);
  long long lost = s->lost;
  s->lost = 0;
  pthread_mutex_unlock(&s->mutex);
  luaL_pushresultsize(&b, count);
  lua_pushinteger(L, lost);
  return 2;
}

static int read_wait(lua_State *L, stream_object *self)
{
  bool ended;
  int results = push_bytes(L, self->stream, (size_t)lua_tointeger(L, 2), &ended);
  if (results)
    return results;
  if (ended) {
    raise_end(L, self);
    lua_pushnil(L);
    return 1;
  }
  return gl_task_wait(L,
                      (gl_wait){.list = &self->stream->waiters, .seconds = gl_time_left(lua_tonumber(L, 3)), .what = "bytes of a stream"},
                      (lua_KContext)self, read_resumed);
}

static int read_resumed(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  stream_object *self = (stream_object *)ctx;
  bool timed_out = gl_state_get(L)->timed_out;
  if (self->object.closed)
    gl_error_throw(L, "closed", "read: the stream was closed meanwhile");
  gl_task_check(L, gl_state_get(L));
  if (timed_out && gl_stream_is_empty(self->stream)) {
    lua_pushliteral(L, "");
    return 1;
  }
  return read_wait(L, self);
}

static int stream_read(lua_State *L, gl_args *args)
{
  stream_object *self = gl_object_check(L, 1, &stream_type, "read");
  const read_args *given = (read_args *)args;
  bool has_max = gl_args_given(args, read_params, offsetof(read_args, max));
  if (has_max && given->max == 0)
    gl_error_argument(L, "read", "max", "has to be 1 or more");
  bool limited = gl_args_given(args, read_params, offsetof(read_args, timeout));
  lua_settop(L, 1);
  lua_pushinteger(L, has_max ? given->max : GL_STREAM_ROOM);
  lua_pushnumber(L, limited ? gl_time() + given->timeout : HUGE_VAL);
  return read_wait(L, self);
}
static const gl_opdef read_def = {
  .name = "read",
  .call = "virStreamRecv",
  .help = "Waits for bytes, and gives those that are there. At most the last MiB is kept for a reader.",
  .result = {"string? bytes", "integer lost"},
  .returns = "the bytes, \"\" if none came in time, nil if the other side has ended the stream; and how many bytes were dropped before "
             "these because nobody read them",
  .params = read_params,
  .size = sizeof(read_args),
  .invoke = stream_read,
};

typedef struct bytes_args {
  gl_args args;
  gl_bytes bytes;
} bytes_args;

static const gl_param unread_params[] = {
  GL_ARG(bytes_args, bytes, &gl_binary, "what the next read is to give"),
  GL_END,
};

static int stream_unread(lua_State *L, gl_args *args)
{
  gl_stream *s = ((stream_object *)gl_object_check(L, 1, &stream_type, "unread"))->stream;
  const gl_bytes *given = &((bytes_args *)args)->bytes;
  pthread_mutex_lock(&s->mutex);
  bool fits = gl_stream_put_back(s, given->data, given->size);
  pthread_mutex_unlock(&s->mutex);
  if (!fits)
    gl_error_argument(L, "unread", "bytes", "there is no room for so many: a stream keeps a MiB");
  return 0;
}
static const gl_opdef unread_def = {
  .name = "unread",
  .help = "Puts bytes back that were read too far: the next read gives them first.",
  .params = unread_params,
  .size = sizeof(bytes_args),
  .invoke = stream_unread,
};

/* ---- writing ---- */

typedef struct write_op {
  gl_op op;
  gl_bytes bytes;
  gl_sending sending;
  char why[128];
} write_op;

static const gl_param write_params[] = {
  GL_ARG(write_op, bytes, &gl_binary, "what to send, of which the log shows the length alone"),
  GL_END,
};

static int write_run(gl_op *op)
{
  write_op *self = (write_op *)op;
  gl_sending *sending = &self->sending;
  sending->bytes = self->bytes.data;
  sending->count = self->bytes.size;
  sending->never_waits = op->work.phase != GL_WORK_RUNNING && gl_event_is_programs;
  virResetLastError();
  if (gl_stream_send(op->subject->ptr, sending) == 0)
    return 0;
  gl_stream *s = op->subject->ptr;
  pthread_mutex_lock(&s->mutex);
  bool ended = s->ended && !s->error; /* or libvirt would say that the stream is not open */
  pthread_mutex_unlock(&s->mutex);
  const virError *e = virGetLastError();
  if (e && e->code != VIR_ERR_OK && !ended)
    return -1;
  snprintf(self->why, sizeof self->why, "the stream has ended, or takes no more: %zu of %zu bytes were sent", sending->sent,
           sending->count);
  return gl_op_fail(op, "end_of_stream", self->why);
}

static void write_stop(gl_op *op)
{
  gl_stream *s = op->subject->ptr;
  pthread_mutex_lock(&s->mutex);
  ((write_op *)op)->sending.stopped = true;
  pthread_cond_broadcast(&s->changed);
  pthread_mutex_unlock(&s->mutex);
}
static const gl_opdef write_def = {
  .name = "write",
  .call = "virStreamSend",
  .help = "Sends bytes, all of them, and waits for as long as the other side takes none. Those that were sent before an error stay sent.",
  .params = write_params,
  .size = sizeof(write_op),
  .run = write_run,
  .stop = write_stop,
  .changes = true,
  .slow = true,
  .lane = GL_LANE_CHANGE,
};

/* ---- the class ---- */

static int name_push(lua_State *L, gl_op *op)
{
  lua_pushstring(L, op->subject->name);
  return 1;
}
static const gl_opdef name_def = {
  .name = "name",
  .help = "The device that it was opened for, \"console\" if none was named.",
  .result = {"string"},
  .run = gl_run_nothing,
  .push = name_push,
  .memory = true,
};

static const gl_opdef close_def = {
  .name = "close",
  .call = "virStreamAbort",
  .help = "Ends the stream, so that others can open the console. A write under way ends. Closing twice is harmless.",
  .invoke = gl_object_close_method,
};
static const gl_opdef *const methods[] = {&read_def, &unread_def, &write_def, &close_def, NULL};
static const gl_opdef *const *const ops[] = {methods, NULL};
static const gl_opdef *const fields[] = {&name_def, NULL};

const gl_class gl_stream_class = {
  .type = &stream_type,
  .help = "Bytes from a guest's console or channel, and to it: guest:console and guest:channel make one.",
  .ops = ops,
  .fields = fields,
};
