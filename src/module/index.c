#include "module/index.h"

#include <lauxlib.h>
#include <stdio.h>

#include "base/error.h"
#include "element/class.h"
#include "event/subscription.h"
#include "loop/park.h"
#include "module/signal_class.h"
#include "module/task_class.h"
#include "virt/disk/class.h"
#include "virt/guest/class.h"
#include "virt/guest/domain.h"
#include "virt/host/class.h"
#include "virt/host/embedded.h"
#include "virt/host/open.h"
#include "virt/object/classes.h"
#include "virt/stream/class.h"

const gl_class *const gl_classes[] = {&gl_host_class,         &gl_guest_class,       &gl_domain_class,
                                      &gl_block_device_class, &gl_snapshot_class,    &gl_checkpoint_class,
                                      &gl_network_class,      &gl_networkport_class, &gl_storagepool_class,
                                      &gl_storagevol_class,   &gl_nodedevice_class,  &gl_secret_class,
                                      &gl_interface_class,    &gl_nwfilter_class,    &gl_nwfilterbinding_class,
                                      &gl_subscription_class, &gl_stream_class,      &gl_element_class,
                                      &gl_task_class,         &gl_signal_class,      NULL};

static int now(lua_State *L, gl_args *args)
{
  (void)args;
  lua_pushnumber(L, gl_time());
  return 1;
}
static const gl_opdef now_def = {
  .name = "now",
  .help = "Seconds on a clock that only goes forward; only differences are meaningful.",
  .result = {"number"},
  .invoke = now,
};

static const gl_param sleep_params[] = {
  GL_ARG_HERE("seconds", &gl_number, true, "the duration in seconds, from 0 up"),
  GL_END,
};
static int sleep_(lua_State *L, gl_args *args)
{
  (void)args;
  return gl_task_sleep(L);
}
static const gl_opdef sleep_def = {
  .name = "sleep",
  .help = "Waits, and lets other tasks run meanwhile.",
  .params = sleep_params,
  .invoke = sleep_,
};

static int isatty_(lua_State *L, gl_args *args)
{
  (void)args;
  luaL_Stream *file = luaL_testudata(L, 1, LUA_FILEHANDLE);
  if (!file)
    gl_error_argument(L, "isatty", "file", "file expected, got %s", gl_error_type_name(L, 1));
  lua_pushboolean(L, file->closef && uv_guess_handle(fileno(file->f)) == UV_TTY);
  return 1;
}
static const gl_param isatty_params[] = {
  GL_ARG_HERE("file", &gl_any, true, "an open file, such as io.stdout"),
  GL_END,
};
static const gl_opdef isatty_def = {
  .name = "isatty",
  .help = "Whether an open file is a terminal.",
  .params = isatty_params,
  .result = {"boolean"},
  .invoke = isatty_,
};

static int alive(lua_State *L, gl_args *args)
{
  (void)args;
  const gl_counters *c = &gl_state_get(L)->alive;
  const struct {
    const char *name;
    int value;
  } values[] = {{"tasks", c->tasks},   {"ops", c->ops},         {"hosts", c->hosts},
                {"guests", c->guests}, {"objects", c->objects}, {"subscriptions", c->subscriptions}};
  lua_createtable(L, 0, 6);
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    lua_pushinteger(L, values[i].value);
    lua_setfield(L, -2, values[i].name);
  }
  return 1;
}
static const gl_result_field alive_fields[] = {
  {"tasks", "integer", "tasks"},
  {"ops", "integer", "calls in flight"},
  {"hosts", "integer", "connections"},
  {"guests", "integer", "guests"},
  {"objects", "integer", "other objects of libvirt's"},
  {"subscriptions", "integer", "subscriptions"},
  {NULL, NULL, NULL},
};
static const gl_opdef alive_def = {
  .name = "alive",
  .help =
    "How many tasks, calls in flight, connections, guests, other objects of libvirt's and subscriptions there are: what a program that "
    "should hold none can check.",
  .result = {"table"},
  .fields = alive_fields,
  .invoke = alive,
};

const gl_opdef *const gl_functions[] = {
  &gl_host_open, &gl_embedded_prepare, &gl_element_make, &gl_task_spawn_op, &gl_signal_make, &sleep_def, &now_def, &isatty_def, &alive_def,
  NULL};
