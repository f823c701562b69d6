#include "call/object.h"

#include <lauxlib.h>
#include <string.h>

#include "base/error.h"

void *gl_object_new(lua_State *L, const gl_type *type, size_t size, int user_values)
{
  gl_object *o = lua_newuserdatauv(L, size, user_values);
  memset(o, 0, size);
  o->type = type;
  o->closed = true;
  lua_rawgetp(L, LUA_REGISTRYINDEX, type);
  lua_setmetatable(L, -2);
  return o;
}

void gl_object_adopt(lua_State *L, gl_object *o, gl_connection *connection)
{
  if (!connection->handle)
    gl_error_throw(L, "closed", "the host was closed meanwhile");
  o->closed = false;
  o->connection = gl_connection_ref(connection);
  o->next = connection->children;
  o->link = &connection->children;
  if (o->next)
    o->next->link = &o->next;
  connection->children = o;
}

void gl_object_close(gl_object *o)
{
  if (o->closed)
    return;
  o->closed = true;
  if (o->link) {
    *o->link = o->next;
    if (o->next)
      o->next->link = o->link;
  }
  if (o->type->close)
    o->type->close(o);
  if (o->connection)
    gl_connection_unref(o->connection);
  o->connection = NULL;
}

void *gl_object_check(lua_State *L, int index, const gl_type *type, const char *method)
{
  gl_object *o = gl_object_test(L, index, type);
  if (!o)
    gl_error_argument(L, method, "self", "%s expected, got %s; methods are called with a colon, as in object:%s(…)", type->name,
                      gl_error_type_name(L, index), method);
  if (o->closed)
    gl_error_throw(L, "closed", "%s: this %s is closed", method, type->name);
  return o;
}
