#include "module/signal_class.h"

#include <limits.h>

#include "call/args.h"
#include "loop/park.h"

typedef struct signal_object {
  gl_object object;
  gl_waitlist waiters;
} signal_object;

static void signal_close(gl_object *self)
{
  gl_waitlist_wake(&((signal_object *)self)->waiters, -1);
}

static const gl_type signal_type = {.name = "Signal", .close = signal_close};

static int make_signal(lua_State *L, gl_args *args)
{
  (void)args;
  signal_object *o = gl_object_new(L, &signal_type, sizeof *o, 0);
  TAILQ_INIT(&o->waiters);
  o->object.closed = false;
  return 1;
}
const gl_opdef gl_signal_make = {
  .name = "signal",
  .help = "Makes a Signal.",
  .result = {"Signal"},
  .invoke = make_signal,
};

typedef struct wait_args {
  gl_args args;
  double timeout;
} wait_args;

static const gl_param signal_params[] = {
  GL_OPTION(wait_args, timeout, &gl_number, "the longest wait in seconds; default: no limit"),
  GL_END,
};

static int signalled(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  bool timed_out = gl_state_get(L)->timed_out;
  gl_task_check_given(L, gl_state_get(L), &((signal_object *)ctx)->waiters);
  lua_pushboolean(L, !timed_out);
  return 1;
}

static int signal_wait(lua_State *L, gl_args *args)
{
  signal_object *self = gl_object_check(L, 1, &signal_type, "wait");
  bool limited = gl_args_given(args, signal_params, offsetof(wait_args, timeout));
  return gl_task_wait(
    L, (gl_wait){.list = &self->waiters, .seconds = limited ? ((wait_args *)args)->timeout : -1, .what = "a signal", .by_tasks = true},
    (lua_KContext)self, signalled);
}
static const gl_opdef signal_wait_def = {
  .name = "wait",
  .help = "Waits until somebody calls wake.",
  .result = {"boolean"},
  .returns = "true; false if the time is over",
  .params = signal_params,
  .size = sizeof(wait_args),
  .invoke = signal_wait,
};

typedef struct wake_args {
  gl_args args;
  long long count;
} wake_args;

static const gl_param wake_params[] = {
  GL_ARG_OR_NIL(wake_args, count, &gl_integer, "the number of tasks to wake; nil: all"),
  GL_END,
};

static int signal_wake(lua_State *L, gl_args *args)
{
  signal_object *self = gl_object_check(L, 1, &signal_type, "wake");
  long long count = ((wake_args *)args)->count;
  bool all = !gl_args_given(args, wake_params, offsetof(wake_args, count)) || count > INT_MAX;
  gl_waitlist_wake(&self->waiters, all ? -1 : (int)count);
  return 0;
}
static const gl_opdef signal_wake_def = {
  .name = "wake",
  .help = "Wakes waiting tasks, the oldest first.",
  .params = wake_params,
  .size = sizeof(wake_args),
  .invoke = signal_wake,
};

static const gl_opdef *const signal_methods[] = {&signal_wait_def, &signal_wake_def, NULL};
static const gl_opdef *const *const signal_ops[] = {signal_methods, NULL};

const gl_class gl_signal_class = {
  .type = &signal_type,
  .help = "A signal that one task waits for and another one gives: for workflows that wait for each other.",
  .ops = signal_ops,
};
