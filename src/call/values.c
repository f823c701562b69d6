#include "call/values.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "call/kinds.h"
#include "text/mask.h"

/* ---- numbers with a sign ---- */

static void read_signed(lua_State *L, int index, const gl_reader *r)
{
  int exact;
  lua_Integer i = lua_tointegerx(L, index, &exact);
  if (lua_type(L, index) != LUA_TNUMBER)
    gl_kind_mismatch(L, index, r);
  if (!exact)
    gl_error_argument(L, r->method, r->param->name, "the number has no integer value");
  if (r->param->max && (i > r->param->max || i < -r->param->max - 1))
    gl_error_argument(L, r->method, r->param->name, "cannot be more than %lld nor less than %lld", r->param->max, -r->param->max - 1);
  *(long long *)r->field = i;
}

static void show_signed(lua_State *L, const gl_param *p, const gl_args *args)
{
  lua_pushinteger(L, *(const long long *)gl_param_field(p, args));
}
const gl_kind gl_signed = {.name = "integer", .read = read_signed, .show = show_signed};

/* ---- booleans ---- */

static void read_boolean(lua_State *L, int index, const gl_reader *r)
{
  if (lua_type(L, index) != LUA_TBOOLEAN)
    gl_kind_mismatch(L, index, r);
  *(int *)r->field = lua_toboolean(L, index);
}

static void show_boolean(lua_State *L, const gl_param *p, const gl_args *args)
{
  lua_pushboolean(L, *(const int *)gl_param_field(p, args));
}
const gl_kind gl_boolean = {.name = "boolean", .read = read_boolean, .show = show_boolean};

/* ---- bytes ---- */

static void read_bytes(lua_State *L, int index, const gl_reader *r)
{
  if (lua_type(L, index) != LUA_TSTRING)
    gl_kind_mismatch(L, index, r);
  gl_bytes *bytes = r->field;
  const char *data = lua_tolstring(L, index, &bytes->size);
  if (r->param->kind->secrecy == GL_KNOWN_SECRET)
    gl_printable_learn_bytes(L, data, bytes->size);
  if (r->args->keep) {
    char *copy = gl_arena_room(L, &r->args->arena, bytes->size + 1);
    data = memcpy(copy, data, bytes->size + 1);
  }
  bytes->data = data;
}

static void show_size(lua_State *L, const gl_param *p, const gl_args *args)
{
  lua_pushfstring(L, "%I bytes", (LUAI_UACINT)((const gl_bytes *)gl_param_field(p, args))->size);
}
const gl_kind gl_binary = {.name = "bytes", .read = read_bytes, .show = show_size};

static void show_secret(lua_State *L, const gl_param *p, const gl_args *args)
{
  (void)p;
  (void)args;
  lua_pushliteral(L, GL_MASKED);
}

static char *mask_secret(char *message, const gl_param *p, const gl_args *args)
{
  return gl_mask_value(message, ((const gl_bytes *)gl_param_field(p, args))->data);
}
const gl_kind gl_secret_bytes = {.name = "bytes", .secrecy = GL_KNOWN_SECRET, .read = read_bytes, .show = show_secret, .mask = mask_secret};

/* ---- lists of numbers ---- */

static void read_numbers(lua_State *L, int index, const gl_reader *r)
{
  const gl_param *p = r->param;
  if (!lua_istable(L, index))
    gl_kind_mismatch(L, index, r);
  lua_Integer count = (lua_Integer)lua_rawlen(L, index), keys = 0;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1), keys++)
    if (!lua_isinteger(L, -2) || !lua_isinteger(L, -1) || lua_tointeger(L, -1) < 0)
      gl_error_argument(L, r->method, p->name, "%s expected, got a table with %s in it", p->kind->name,
                        !lua_isinteger(L, -2)  ? "a named value"
                        : lua_isinteger(L, -1) ? "a negative number"
                                               : "something else");
  if (keys != count)
    gl_error_argument(L, r->method, p->name, "%s expected, got a table with gaps", p->kind->name);
  gl_numbers *numbers = r->field;
  numbers->list = gl_arena_room(L, &r->args->arena, ((size_t)count + 1) * sizeof *numbers->list);
  numbers->count = (size_t)count;
  for (lua_Integer i = 0; i < count; i++) {
    lua_rawgeti(L, index, i + 1);
    numbers->list[i] = lua_tointeger(L, -1);
    lua_pop(L, 1);
    if (p->max && numbers->list[i] > p->max)
      gl_error_argument(L, r->method, p->name, "none of them can be more than %lld", p->max);
  }
}

static void show_numbers(lua_State *L, const gl_param *p, const gl_args *args)
{
  const gl_numbers *numbers = gl_param_field(p, args);
  lua_createtable(L, (int)numbers->count, 0);
  for (size_t i = 0; i < numbers->count; i++) {
    lua_pushinteger(L, numbers->list[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}
const gl_kind gl_number_list = {.name = "list of integers", .takes_table = true, .read = read_numbers, .show = show_numbers};

/* ---- maps of processors ---- */

unsigned char *gl_cpu_map(const gl_numbers *cpus, size_t *length)
{
  long long last = 0;
  for (size_t i = 0; i < cpus->count; i++)
    if (cpus->list[i] > last)
      last = cpus->list[i];
  *length = (size_t)last / 8 + 1;
  unsigned char *map = calloc(1, *length);
  for (size_t i = 0; map && i < cpus->count; i++)
    map[cpus->list[i] / 8] |= (unsigned char)(1 << cpus->list[i] % 8);
  return map;
}

void gl_push_cpu_map(lua_State *L, const unsigned char *map, size_t length)
{
  lua_newtable(L);
  for (size_t cpu = 0, count = 0; cpu < length * 8; cpu++)
    if (map[cpu / 8] >> cpu % 8 & 1) {
      lua_pushinteger(L, (lua_Integer)cpu);
      lua_rawseti(L, -2, (lua_Integer)++count);
    }
}
