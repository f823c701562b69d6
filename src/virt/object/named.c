#include "virt/object/named.h"

#include <lauxlib.h>

#include "base/error.h"
#include "base/names.h"
#include "base/printable.h"
#include "call/libvirt_names.h"
#include "call/push.h"

typedef struct named_object {
  gl_object object;
  gl_handle *handle;
  bool gone; /* when the connection was opened again it was not there: handle is of the one before */
} named_object;

void gl_named_push(lua_State *L, const gl_named_type *type, gl_connection *connection, int parent, void **ptr)
{
  if (type->push) {
    type->push(L, connection, parent, ptr);
    return;
  }
  named_object *o = gl_object_new(L, &type->type, sizeof *o, 1);
  gl_handle *handle = type->handle_of(*ptr);
  if (!handle)
    luaL_error(L, "guestlua: out of memory");
  *ptr = NULL;
  o->handle = handle;
  if (!connection->handle) {
    gl_handle_unref(handle);
    o->handle = NULL;
  }
  gl_object_adopt(L, &o->object, connection);
  connection->state->alive.objects++;
  lua_pushvalue(L, parent);
  lua_setiuservalue(L, -2, 1);
}

void gl_named_identify(lua_State *L, int index, char **identity)
{
  named_object *o = lua_touserdata(L, index);
  if (!o->handle)
    return;
  o->handle->identity = *identity;
  *identity = NULL;
}

gl_handle *gl_named_handle(const gl_object *self)
{
  return ((const named_object *)self)->handle;
}

void gl_named_bind(lua_State *L, gl_object *self, gl_op *op)
{
  named_object *o = (named_object *)self;
  if (o->gone && !op->def->memory) {
    const char *kind = gl_enum_name(&gl_error_codes, o->handle->type->missing);
    gl_error_throw(L, kind ? kind : "gone", "%s: %s '%s' was gone when the connection was opened again", op->def->name,
                   o->handle->type->what, o->handle->name);
  }
  op->subject = o->handle;
  op->uri = self->connection->uri;
}

void gl_named_close(gl_object *self)
{
  named_object *o = (named_object *)self;
  self->connection->state->alive.objects--;
  gl_handle_unref(o->handle); /* the connection is open still: this only drops a count */
  o->handle = NULL;
}

void gl_named_renew(gl_object *self, gl_handle *handle)
{
  named_object *o = (named_object *)self;
  o->gone = !handle;
  if (!handle)
    return;
  gl_handle_unref(o->handle);
  o->handle = handle;
}

int gl_named_tostring(lua_State *L)
{
  /* Only objects of these classes have this function. */
  const named_object *o = lua_touserdata(L, 1);
  if (o->object.closed)
    lua_pushfstring(L, "<%s (closed)>", o->object.type->name);
  else
    lua_pushfstring(L, "<%s %s>", o->object.type->name, o->handle->name);
  gl_printable_push(L, -1, GL_ESCAPE_LINES);
  return 1;
}

void gl_named_push_parent(lua_State *L, int index, const gl_type *type)
{
  lua_pushvalue(L, index);
  while (lua_isuserdata(L, -1) && !(gl_object_test(L, -1, type) && lua_touserdata(L, -1) != lua_touserdata(L, index))) {
    lua_getiuservalue(L, -1, 1);
    lua_remove(L, -2);
  }
}

/* ---- rows ---- */

const gl_opdef gl_named_close_def = {
  .name = "close",
  .help = "Lets go of it before the garbage collector does; what it stands for is not touched. Closing twice is harmless.",
  .invoke = gl_object_close_method,
};

static int host_push(lua_State *L, gl_op *op)
{
  (void)op;
  lua_pushvalue(L, 1);
  while (lua_getiuservalue(L, -1, 1) == LUA_TUSERDATA)
    lua_remove(L, -2);
  lua_pop(L, 1);
  return 1;
}
const gl_opdef gl_named_host_def = {
  .name = "host",
  .help = "The connection that it was found on.",
  .result = {"Host"},
  .run = gl_run_nothing,
  .push = host_push,
  .memory = true,
};

static int name_push(lua_State *L, gl_op *op)
{
  lua_pushstring(L, op->subject->name);
  return 1;
}
const gl_opdef gl_named_name_def = {
  .name = "name",
  .help = "The name that it is known by.",
  .result = {"string"},
  .run = gl_run_nothing,
  .push = name_push,
  .memory = true,
};

static int uuid_push(lua_State *L, gl_op *op)
{
  char text[VIR_UUID_STRING_BUFLEN];
  gl_handle_uuid_text(op->subject->uuid, text);
  lua_pushstring(L, text);
  return 1;
}
const gl_opdef gl_named_uuid_def = {
  .name = "uuid",
  .help = "Its UUID, 36 characters.",
  .result = {"string"},
  .run = gl_run_nothing,
  .push = uuid_push,
  .memory = true,
};
