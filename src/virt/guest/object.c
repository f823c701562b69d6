#include "virt/guest/object.h"

#include <lauxlib.h>

#include "base/error.h"

typedef struct guest_object {
  gl_object object;
  gl_handle *handle; /* of the domain */
  bool gone;         /* the guest was missing when the connection was reopened: handle is of the old connection */
} guest_object;

virDomainPtr gl_guest_domain(gl_object *guest)
{
  return ((guest_object *)guest)->handle->ptr;
}

static gl_handle *guest_handle(const gl_object *guest)
{
  return ((const guest_object *)guest)->handle;
}

static void guest_renew(gl_object *guest, gl_handle *handle)
{
  guest_object *g = (guest_object *)guest;
  g->gone = !handle;
  if (!handle)
    return;
  gl_handle_unref(g->handle); /* the caller still holds the connection: this only drops a count */
  g->handle = handle;
}

void gl_guest_push(lua_State *L, gl_connection *host, int host_index, virDomainPtr *dom)
{
  guest_object *g = gl_object_new(L, &gl_guest_type, sizeof *g, 1);
  gl_object_adopt(L, &g->object, host);
  host->state->alive.guests++;
  g->handle = gl_handle_of_domain(*dom);
  if (!g->handle)
    luaL_error(L, "guestlua: out of memory");
  *dom = NULL;
  lua_pushvalue(L, host_index);
  lua_setiuservalue(L, -2, 1);
}

int gl_guest_another(lua_State *L)
{
  guest_object *first = gl_object_check(L, 1, &gl_guest_type, "another");
  guest_object *g = gl_object_new(L, &gl_guest_type, sizeof *g, 1);
  gl_object_adopt(L, &g->object, first->object.connection);
  first->object.connection->state->alive.guests++;
  g->handle = gl_handle_ref(first->handle);
  g->gone = first->gone;
  lua_getiuservalue(L, 1, 1);
  lua_setiuservalue(L, -2, 1);
  return 1;
}

static _Noreturn void is_gone(lua_State *L, const char *method, const char *name)
{
  gl_error_push(L, "no_domain");
  gl_error_set_hint(L, "no_domain", method, "guest");
  gl_error_set(L, "op", method);
  gl_error_set(L, "guest", name);
  lua_pushfstring(L, "%s: guest '%s' was gone when the connection was opened again", method, name);
  lua_setfield(L, -2, "message");
  lua_error(L);
  __builtin_unreachable();
}

void gl_guest_bind(lua_State *L, gl_object *guest, gl_op *op)
{
  guest_object *g = (guest_object *)guest;
  if (g->gone && !op->def->memory)
    is_gone(L, op->def->name, g->handle->name);
  op->subject = g->handle;
  op->uri = guest->connection->uri;
}

static void guest_close(gl_object *self)
{
  guest_object *g = (guest_object *)self;
  self->connection->state->alive.guests--;
  gl_handle_unref(g->handle); /* the connection is still open: this only drops a count */
  g->handle = NULL;
}

const gl_type gl_guest_type = {.name = "Guest", .bind = gl_guest_bind, .close = guest_close, .handle = guest_handle, .renew = guest_renew};
