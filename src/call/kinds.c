#include "call/kinds.h"

#include <lauxlib.h>
#include <limits.h>
#include <string.h>

#include "base/error.h"
#include "base/printable.h"
#include "text/mask.h"

void gl_kind_push_hint(lua_State *L, const gl_param *p, const char *got)
{
  const char *kind = p->kind->name;
  bool looked_up = kind[0] >= 'A' && kind[0] <= 'Z' && !strchr(kind, ' ') && strcmp(kind, "Host") != 0;
  if (looked_up && strcmp(got, "nil") == 0)
    lua_pushliteral(L, "a lookup that finds nothing gives nil; with { required = true } it raises an error that names what is missing");
  else if (p->help)
    lua_pushfstring(L, "%s (%s): %s", p->name, kind, p->help);
  else
    lua_pushnil(L);
}

void gl_kind_mismatch(lua_State *L, int index, const gl_reader *r)
{
  const char *got = gl_error_type_name(L, index);
  gl_kind_push_hint(L, r->param, got);
  gl_error_argument_hinted(L, r->method, r->param->name, "%s expected, got %s", r->param->kind->name, got);
}

/* ---- texts ---- */

static const char *text(lua_State *L, int index, const gl_reader *r)
{
  size_t length;
  const char *s = lua_tolstring(L, index, &length);
  gl_printable_learn(L, s, r->param->kind->secrecy);
  if (strlen(s) != length)
    gl_error_argument(L, r->method, r->param->name, "the string has a NUL byte in it");
  return s;
}

void gl_kind_read_text(lua_State *L, int index, const gl_reader *r)
{
  if (lua_type(L, index) != LUA_TSTRING)
    gl_kind_mismatch(L, index, r);
  const char *s = text(L, index, r);
  if (r->param->offset) /* or else it stays on the stack */
    *(const char **)r->field = r->args->keep ? gl_arena_keep(L, &r->args->arena, s) : s;
}

static const char *text_of(const gl_param *p, const gl_args *args)
{
  return *(const char *const *)gl_param_field(p, args);
}

static void show_string(lua_State *L, const gl_param *p, const gl_args *args)
{
  gl_printable_push_masked(L, text_of(p, args));
}
const gl_kind gl_string = {.name = "string", .secrecy = GL_KNOWN_URI, .read = gl_kind_read_text, .show = show_string};

static void show_secret(lua_State *L, const gl_param *p, const gl_args *args)
{
  (void)p;
  (void)args;
  lua_pushliteral(L, GL_MASKED);
}

/* libvirt's JSON parser quotes some bytes around the error, on separate lines. */
static char *mask_secret(char *message, const gl_param *p, const gl_args *args)
{
  if (message && (strstr(message, "json") || strstr(message, "JSON")))
    message[strcspn(message, "\n")] = '\0';
  return gl_mask_value(message, text_of(p, args));
}
const gl_kind gl_secret = {
  .name = "string", .secrecy = GL_KNOWN_SECRET, .read = gl_kind_read_text, .show = show_secret, .mask = mask_secret};

/* ---- functions ---- */

static void read_function(lua_State *L, int index, const gl_reader *r)
{
  if (!lua_isfunction(L, index))
    gl_kind_mismatch(L, index, r);
}
const gl_kind gl_function = {.name = "function", .read = read_function};

/* ---- numbers ---- */

static void read_integer(lua_State *L, int index, const gl_reader *r)
{
  const gl_param *p = r->param;
  int exact;
  lua_Integer i = lua_tointegerx(L, index, &exact);
  if (lua_type(L, index) != LUA_TNUMBER)
    gl_kind_mismatch(L, index, r);
  if (!exact)
    gl_error_argument(L, r->method, p->name, "the number has no integer value");
  if (i < 0)
    gl_error_argument(L, r->method, p->name, "cannot be negative");
  if (p->max && i > p->max)
    gl_error_argument(L, r->method, p->name, "cannot be more than %lld", p->max);
  *(long long *)r->field = i;
}

static void show_integer(lua_State *L, const gl_param *p, const gl_args *args)
{
  lua_pushinteger(L, *(const long long *)gl_param_field(p, args));
}
const gl_kind gl_integer = {.name = "integer", .read = read_integer, .show = show_integer};

static void read_number(lua_State *L, int index, const gl_reader *r)
{
  if (lua_type(L, index) != LUA_TNUMBER)
    gl_kind_mismatch(L, index, r);
  lua_Number n = lua_tonumber(L, index);
  if (!(n >= 0))
    gl_error_argument(L, r->method, r->param->name, "cannot be negative");
  if (r->param->offset) /* or else it stays on the stack */
    *(double *)r->field = n;
}

static void show_number(lua_State *L, const gl_param *p, const gl_args *args)
{
  lua_pushnumber(L, *(const double *)gl_param_field(p, args));
}
const gl_kind gl_number = {.name = "number", .read = read_number, .show = show_number};

/* ---- booleans ---- */

static void read_boolean(lua_State *L, int index, const gl_reader *r)
{
  if (lua_type(L, index) != LUA_TBOOLEAN)
    gl_kind_mismatch(L, index, r);
  r->args->flags |= lua_toboolean(L, index) ? r->param->bit : r->param->other_bit;
}
const gl_kind gl_flag = {.name = "boolean", .read = read_boolean}; /* the log shows all flags together */

static void show_choice(lua_State *L, const gl_param *p, const gl_args *args)
{
  lua_pushboolean(L, args->flags & p->bit);
}
const gl_kind gl_choice = {.name = "boolean", .read = read_boolean, .show = show_choice};

/* ---- lists and names ---- */

static int name_value(lua_State *L, int index, const gl_reader *r)
{
  int value = gl_enum_value(r->param->names, lua_tostring(L, index));
  if (value < 0) {
    gl_enum_push_choices(L, r->param->names, lua_tostring(L, index));
    gl_error_argument(L, r->method, r->param->name, "no %s '%s'; there are: %s", r->param->names->what, lua_tostring(L, index),
                      lua_tostring(L, -1));
  }
  return value;
}

/* The length of the list at index, which must hold strings only. */
static lua_Integer check_list(lua_State *L, int index, const gl_reader *r)
{
  if (!lua_istable(L, index))
    gl_kind_mismatch(L, index, r);
  lua_Integer count = (lua_Integer)lua_rawlen(L, index), keys = 0;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1), keys++)
    if (!lua_isinteger(L, -2) || lua_type(L, -1) != LUA_TSTRING)
      gl_error_argument(L, r->method, r->param->name, "%s expected, got a table with a %s in it", r->param->kind->name,
                        lua_isinteger(L, -2) ? gl_error_type_name(L, -1) : "named value");
  if (keys != count)
    gl_error_argument(L, r->method, r->param->name, "%s expected, got a table with gaps", r->param->kind->name);
  return count;
}

static void read_strings(lua_State *L, int index, const gl_reader *r)
{
  lua_Integer count = check_list(L, index, r);
  gl_arena *arena = &r->args->arena;
  char **list = gl_arena_room(L, arena, ((size_t)count + 1) * sizeof *list);
  list[count] = NULL;
  for (lua_Integer i = 0; i < count; i++) {
    lua_rawgeti(L, index, i + 1);
    list[i] = (char *)gl_arena_keep(L, arena, text(L, -1, r));
    lua_pop(L, 1);
  }
  *(char ***)r->field = list;
}

static void show_strings(lua_State *L, const gl_param *p, const gl_args *args)
{
  char *const *list = *(char *const *const *)gl_param_field(p, args);
  lua_newtable(L);
  for (lua_Integer i = 0; list[i]; i++) {
    gl_printable_push_masked(L, list[i]);
    lua_rawseti(L, -2, i + 1);
  }
}
const gl_kind gl_strings = {
  .name = "list of strings", .secrecy = GL_KNOWN_URI, .takes_table = true, .read = read_strings, .show = show_strings};

static long long flags_of(lua_State *L, int index, const gl_reader *r)
{
  if (lua_type(L, index) == LUA_TNUMBER) {
    int exact;
    lua_Integer flags = lua_tointegerx(L, index, &exact);
    if (!exact || flags < 0 || flags > UINT_MAX)
      gl_error_argument(L, r->method, r->param->name, "flags are an integer of 32 bits");
    return flags;
  }
  if (lua_type(L, index) == LUA_TSTRING)
    return 1LL << name_value(L, index, r);
  long long flags = 0;
  lua_Integer count = check_list(L, index, r);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, index, i);
    flags |= 1LL << name_value(L, lua_gettop(L), r);
    lua_pop(L, 1);
  }
  return flags;
}

static void read_flags(lua_State *L, int index, const gl_reader *r)
{
  *(long long *)r->field = flags_of(L, index, r);
}

static void show_flags(lua_State *L, const gl_param *p, const gl_args *args)
{
  long long flags = *(const long long *)gl_param_field(p, args);
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (int bit = 0; flags >> bit; bit++) {
    if (!(flags >> bit & 1))
      continue;
    const char *name = gl_enum_name(p->names, bit);
    if (flags & ((1LL << bit) - 1))
      luaL_addchar(&b, '|');
    if (name) {
      luaL_addstring(&b, name);
    } else {
      lua_pushfstring(L, "1<<%d", bit);
      luaL_addvalue(&b);
    }
  }
  luaL_pushresult(&b);
}
const gl_kind gl_flags = {.name = "integer or list of names", .takes_table = true, .read = read_flags, .show = show_flags};

static void read_name(lua_State *L, int index, const gl_reader *r)
{
  if (lua_type(L, index) != LUA_TSTRING)
    gl_kind_mismatch(L, index, r);
  *(int *)r->field = name_value(L, index, r);
}

static void show_name(lua_State *L, const gl_param *p, const gl_args *args)
{
  gl_enum_push(L, p->names, *(const int *)gl_param_field(p, args));
}
const gl_kind gl_name = {.name = "string", .read = read_name, .show = show_name};

/* ---- arguments that stay on the stack ---- */

static void read_nothing(lua_State *L, int index, const gl_reader *r)
{
  (void)L;
  (void)index;
  (void)r;
}
const gl_kind gl_any = {.name = "any", .takes_table = true, .stays = true, .read = read_nothing};
const gl_kind gl_rest = {.name = "any", .takes_table = true, .stays = true, .read = read_nothing};
