#include "call/class.h"

#include <lauxlib.h>

#include "base/error.h"
#include "call/invoke.h"
#include "text/nearest.h"

/* Both __gc and __close; whichever runs first closes the object. Never blocks. */
static int object_close(lua_State *L)
{
  gl_object *o = lua_touserdata(L, 1);
  if (!o->connection || gl_state_is_here(o->connection->state)) /* the child of a fork would close the parent's connection */
    gl_object_close(o);
  return 0;
}

/* Pushes the table of methods of a type. */
static void push_methods(lua_State *L, const gl_type *type)
{
  lua_rawgetp(L, LUA_REGISTRYINDEX, type);
  lua_getfield(L, -1, "__index");
  lua_getupvalue(L, -1, 1);
  lua_replace(L, -3);
  lua_pop(L, 1);
}

/* Raises: the class has nothing of the name that is second on the stack. */
static _Noreturn void no_such_member(lua_State *L, const gl_class *class)
{
  const char *own = class->type->name;
  gl_nearest near = {lua_tostring(L, 2), NULL, 0};
  if (luaL_callmeta(L, lua_upvalueindex(1), "__pairs")) /* loads what is not loaded yet */
    lua_pop(L, 1);
  if (class->inherits)
    push_methods(L, class->inherits);
  const int tables[] = {lua_upvalueindex(1), lua_upvalueindex(2), class->inherits ? lua_gettop(L) : 0};
  for (int i = 0; i < 3 && tables[i]; i++)
    for (lua_pushnil(L); lua_next(L, tables[i]); lua_pop(L, 1))
      gl_nearest_add(&near, lua_tostring(L, -2)); /* the table keeps it */
  if (near.found)
    gl_error_argument(L, own, near.name, "a %s has nothing of this name; is %s meant?", own, near.found);
  gl_error_argument(L, own, near.name, "a %s has nothing of this name; help(%s) lists what it has", own, own);
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
    return gl_op_invoke(L, field, class->type);
  }
  lua_settop(L, 2);
  lua_pushvalue(L, 2);
  if (lua_gettable(L, lua_upvalueindex(1)) != LUA_TNIL) /* a module may have to be loaded first: base/define.lua */
    return 1;
  lua_settop(L, 2);
  if (class->inherits) {
    push_methods(L, class->inherits);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, -2) != LUA_TNIL)
      return 1;
    lua_settop(L, 2);
  }
  if (class->index)
    return class->index(L);
  if (lua_type(L, 2) == LUA_TSTRING)
    no_such_member(L, class);
  lua_pushnil(L);
  return 1;
}

/* The upvalue of a method: one, as looking for it costs as much as a test of the object. */
typedef struct row {
  const gl_opdef *def;
  const gl_type *type;
} row;

/* Every method of every class is this function. */
static int method(lua_State *L)
{
  const row *r = lua_touserdata(L, lua_upvalueindex(1));
  return gl_op_invoke(L, r->def, r->type);
}

/* upvalue: the gl_opdef */
static int function(lua_State *L)
{
  return gl_op_invoke(L, lua_touserdata(L, lua_upvalueindex(1)), NULL);
}

void gl_op_push(lua_State *L, const gl_opdef *def)
{
  lua_pushlightuserdata(L, (void *)def);
  lua_pushcclosure(L, function, 1);
}

int gl_object_close_method(lua_State *L, gl_args *args)
{
  (void)args;
  const gl_type *type = ((const row *)lua_touserdata(L, lua_upvalueindex(1)))->type;
  gl_object *self = gl_object_test(L, 1, type);
  if (!self)
    gl_object_check(L, 1, type, "close");
  gl_object_close(self);
  return 0;
}

/* Pushes the table of the class's methods, and their rows in one piece of memory. */
static void push_rows(lua_State *L, const gl_class *class)
{
  size_t count = 0;
  for (const gl_opdef *const *const *table = class->ops; *table; table++)
    for (const gl_opdef *const *def = *table; *def; def++)
      count++;
  lua_createtable(L, 0, (int)count);
  row *r = lua_newuserdatauv(L, count * sizeof *r, 0);
  for (const gl_opdef *const *const *table = class->ops; *table; table++)
    for (const gl_opdef *const *def = *table; *def; def++, r++) {
      *r = (row){*def, class->type};
      lua_pushlightuserdata(L, r);
      lua_pushcclosure(L, method, 1);
      lua_setfield(L, -3, (*def)->name);
    }
}

void gl_class_open(lua_State *L, const gl_class *class)
{
  push_rows(L, class);
  lua_newtable(L); /* the metatable, which keeps the rows */
  lua_insert(L, -2);
  lua_rawseti(L, -2, 1);
  lua_pushvalue(L, -2);
  lua_newtable(L);
  for (const gl_opdef *const *def = class->fields; def && *def; def++) {
    lua_pushlightuserdata(L, (void *)*def);
    lua_setfield(L, -2, (*def)->name);
  }
  lua_pushlightuserdata(L, (void *)class);
  lua_pushcclosure(L, object_index, 3);
  lua_setfield(L, -2, "__index");
  lua_pushstring(L, class->type->name);
  lua_setfield(L, -2, "__name");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pushcfunction(L, object_close);
  lua_setfield(L, -2, "__gc");
  if (!class->type->outlives) {
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
  lua_rawsetp(L, LUA_REGISTRYINDEX, class->type);
}
