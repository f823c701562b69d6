/* The public functions: libvirt's objects as Lua values. */
#include <lauxlib.h>

#include "base/error.h"
#include "guestlua.h"
#include "module/api_thread.h"
#include "virt/guest/object.h"
#include "virt/host/object.h"

static const char hosts_key; /* in the registry: Hosts by their connection, if the program has handed it over or seen it; weak */

/* Records the Host on top of the stack as the one of that connection: two would take each other's callbacks. */
static void remember(lua_State *L, virConnectPtr conn)
{
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &hosts_key) != LUA_TTABLE) {
    lua_pop(L, 1);
    lua_createtable(L, 0, 1);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &hosts_key);
  }
  lua_pushvalue(L, -2);
  lua_rawsetp(L, -2, conn);
  lua_pop(L, 1);
}

/* Pushes the Host of that connection, or nothing. */
static bool push_known(lua_State *L, virConnectPtr conn)
{
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &hosts_key) == LUA_TTABLE)
    lua_rawgetp(L, -1, conn);
  else
    lua_pushnil(L);
  lua_remove(L, -2);
  gl_object *o = gl_object_test(L, -1, &gl_host_type);
  if (o && !o->closed && gl_connection_ptr(o->connection) == conn)
    return true;
  lua_pop(L, 1);
  return false;
}

void guestlua_push_connect(lua_State *L, virConnectPtr conn)
{
  gl_state *s = gl_api_check(L, "guestlua_push_connect");
  if (!conn)
    gl_error_throw(L, "bad_argument", "guestlua_push_connect: a virConnectPtr expected, got NULL");
  if (push_known(L, conn))
    return;
  gl_host_push(L, s, conn);
  remember(L, conn);
}

void guestlua_push_domain(lua_State *L, virDomainPtr dom)
{
  gl_api_check(L, "guestlua_push_domain");
  if (!dom)
    gl_error_throw(L, "bad_argument", "guestlua_push_domain: a virDomainPtr expected, got NULL");
  virConnectPtr conn = virDomainGetConnect(dom);
  if (!conn)
    gl_error_throw(L, "invalid_domain", "guestlua_push_domain: this is no domain");
  guestlua_push_connect(L, conn);
  gl_object *host = gl_object_test(L, -1, &gl_host_type);
  virDomainPtr taken = dom;
  gl_guest_push(L, host->connection, lua_gettop(L), &taken);
  virDomainRef(dom); /* after everything that can raise */
  lua_remove(L, -2);
}

virConnectPtr guestlua_check_connect(lua_State *L, int index)
{
  gl_api_check(L, "guestlua_check_connect");
  index = lua_absindex(L, index);
  gl_object *host = gl_object_check(L, index, &gl_host_type, "guestlua_check_connect");
  virConnectPtr conn = gl_connection_ptr(host->connection);
  lua_pushvalue(L, index);
  remember(L, conn);
  lua_pop(L, 1);
  return conn;
}

virDomainPtr guestlua_check_domain(lua_State *L, int index)
{
  gl_api_check(L, "guestlua_check_domain");
  index = lua_absindex(L, index);
  gl_object *guest = gl_object_check(L, index, &gl_guest_type, "guestlua_check_domain");
  lua_getiuservalue(L, index, 1); /* its Host */
  remember(L, gl_connection_ptr(guest->connection));
  lua_pop(L, 1);
  return gl_guest_domain(guest);
}
