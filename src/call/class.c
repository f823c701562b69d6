#include "call/class.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "call/op.h"

gl_host *gl_host_new(gl_state *s)
{
  gl_host *h = calloc(1, sizeof *h);
  if (!h)
    return NULL;
  h->state = s;
  h->refs = 1;
  TAILQ_INIT(&h->running);
  TAILQ_INIT(&h->queue);
  pthread_mutex_init(&h->mutex, NULL);
  return h;
}

gl_host *gl_host_ref(gl_host *h)
{
  h->refs++;
  return h;
}

void gl_host_unref(gl_host *h)
{
  if (--h->refs)
    return;
  pthread_mutex_destroy(&h->mutex);
  free(h->uri);
  free(h);
}

void *gl_object_new(lua_State *L, const gl_class *class, size_t size, int user_values)
{
  gl_object *o = lua_newuserdatauv(L, size, user_values);
  memset(o, 0, size);
  o->class = class;
  o->closed = true;
  lua_rawgetp(L, LUA_REGISTRYINDEX, class);
  lua_setmetatable(L, -2);
  return o;
}

void gl_object_adopt(lua_State *L, gl_object *o, gl_host *host)
{
  if (!host->conn)
    gl_error_throw(L, "closed", "the host was closed meanwhile");
  o->closed = false;
  o->host = gl_host_ref(host);
  o->next = host->children;
  o->link = &host->children;
  if (o->next)
    o->next->link = &o->next;
  host->children = o;
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
  if (o->class->close)
    o->class->close(o);
  if (o->host)
    gl_host_unref(o->host);
  o->host = NULL;
}

gl_object *gl_object_test(lua_State *L, int index, const gl_class *class)
{
  gl_object *o = lua_touserdata(L, index);
  /* No other userdata begins with the address of a class of ours; a light one has no length. Half the cost of comparing metatables. */
  return o && lua_rawlen(L, index) >= sizeof *o && o->class == class ? o : NULL;
}

void *gl_object_check(lua_State *L, int index, const gl_class *class, const char *method)
{
  gl_object *o = gl_object_test(L, index, class);
  if (!o)
    gl_error_argument(L, method, "self", "%s expected, got %s; methods are called with a colon, as in object:%s(…)", class->name,
                      luaL_typename(L, index), method);
  if (o->closed)
    gl_error_throw(L, "closed", "%s: this %s is closed", method, class->name);
  return o;
}

/* __gc and __close are one function: whatever ends first. Never blocks. */
static int object_close(lua_State *L)
{
  gl_object_close(lua_touserdata(L, 1));
  return 0;
}

/* upvalues: the table of methods, the table of fields (light userdata: gl_opdef), the class */
static int object_index(lua_State *L)
{
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
    return 1;
  lua_pushvalue(L, 2);
  lua_rawget(L, lua_upvalueindex(2));
  const gl_opdef *field = lua_touserdata(L, -1);
  const gl_class *class = lua_touserdata(L, lua_upvalueindex(3));
  if (field) {
    lua_settop(L, 1);
    return gl_op_invoke(L, field, class);
  }
  lua_settop(L, 2);
  if (class->index)
    return class->index(L);
  lua_pushnil(L);
  return 1;
}

/* upvalues: the gl_opdef, the class. Every method of every class is this function. */
static int method(lua_State *L)
{
  return gl_op_invoke(L, lua_touserdata(L, lua_upvalueindex(1)), lua_touserdata(L, lua_upvalueindex(2)));
}

void gl_op_push(lua_State *L, const gl_opdef *def, const gl_class *class)
{
  lua_pushlightuserdata(L, (void *)def);
  lua_pushlightuserdata(L, (void *)class);
  lua_pushcclosure(L, method, 2);
}

int gl_object_close_method(lua_State *L)
{
  const gl_class *class = lua_touserdata(L, lua_upvalueindex(2));
  gl_object *self = gl_object_test(L, 1, class);
  if (!self)
    gl_object_check(L, 1, class, "close");
  gl_object_close(self);
  return 0;
}

void gl_class_open(lua_State *L, const gl_class *class)
{
  lua_newtable(L); /* the methods */
  for (const gl_opdef *const *const *table = class->ops; *table; table++)
    for (const gl_opdef *const *def = *table; *def; def++) {
      gl_op_push(L, *def, class);
      lua_setfield(L, -2, (*def)->name);
    }

  lua_newtable(L); /* the metatable */
  lua_pushvalue(L, -2);
  lua_newtable(L);
  for (const gl_opdef *const *def = class->fields; def && *def; def++) {
    lua_pushlightuserdata(L, (void *)*def);
    lua_setfield(L, -2, (*def)->name);
  }
  lua_pushlightuserdata(L, (void *)class);
  lua_pushcclosure(L, object_index, 3);
  lua_setfield(L, -2, "__index");
  lua_pushstring(L, class->name);
  lua_setfield(L, -2, "__name");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pushcfunction(L, object_close);
  lua_setfield(L, -2, "__gc");
  if (!class->outlives) {
    lua_pushcfunction(L, object_close);
    lua_setfield(L, -2, "__close");
  }
  if (class->newindex) {
    lua_pushcfunction(L, class->newindex);
    lua_setfield(L, -2, "__newindex");
  }
  if (class->tostring) {
    lua_pushcfunction(L, class->tostring);
    lua_setfield(L, -2, "__tostring");
  }
  lua_rawsetp(L, LUA_REGISTRYINDEX, class);
}
