#include "call/watch.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "call/op.h"
#include "text/mask.h"

static const char on_call_key; /* in the registry: the function that is told of calls */

/* ---- secrets ---- */

/* Pushes a text of malloc's and frees it. */
static void push_and_free(lua_State *L, char *text)
{
  lua_pushstring(L, text ? text : GL_MASKED); /* no memory: rather nothing than a secret */
  free(text);
}

void gl_log_push_masked(lua_State *L, const char *text)
{
  if (text)
    push_and_free(L, gl_mask_text(text));
  else
    lua_pushnil(L);
}

static const char *text_argument(const gl_op *op, const gl_param *p)
{
  return *(const char *const *)((const char *)op + p->offset);
}

void gl_log_push_message(lua_State *L, const gl_op *op, const char *message)
{
  char *text = gl_mask_text(message);
  for (const gl_param *p = op->def->params; p && p->name; p++) {
    const char *value = p->secret || p->kind == GL_XML ? text_argument(op, p) : NULL;
    if (value)
      text = p->secret ? gl_mask_value(text, value) : gl_mask_values_of(text, value);
  }
  push_and_free(L, text);
}

/* ---- what a call was called with ---- */

static void push_flag_names(lua_State *L, const gl_enum *names, long long flags)
{
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (int bit = 0; flags >> bit; bit++) {
    if (!(flags >> bit & 1))
      continue;
    const char *name = gl_enum_name(names, bit);
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

static void push_strings(lua_State *L, char *const *list)
{
  lua_newtable(L);
  for (lua_Integer i = 0; list[i]; i++) {
    gl_log_push_masked(L, list[i]);
    lua_rawseti(L, -2, i + 1);
  }
}

/* Takes off again what was pushed of an argument that was not given. */
static bool given(lua_State *L, bool is)
{
  if (!is)
    lua_pop(L, 1);
  return is;
}

/* Pushes the argument and says so, or does nothing where it was not given. Flags are told together: see push_arguments. */
static bool push_argument(lua_State *L, const gl_op *op, const gl_param *p)
{
  const void *field = (const char *)op + p->offset;
  switch (p->kind) {
  case GL_STRING:
  case GL_XML: {
    const char *text = text_argument(op, p);
    if (!text)
      return false;
    if (p->secret)
      lua_pushliteral(L, GL_MASKED);
    else
      push_and_free(L, p->kind == GL_XML ? gl_mask_xml(text) : gl_mask_text(text));
    return true;
  }
  case GL_INTEGER: /* 0 is also what was not given */
    lua_pushinteger(L, *(const long long *)field);
    return given(L, p->required || *(const long long *)field);
  case GL_NUMBER:
    lua_pushnumber(L, *(const double *)field);
    return given(L, p->required || *(const double *)field != 0);
  case GL_STRINGS: {
    char *const *list = *(char *const *const *)field;
    if (!list)
      return false;
    push_strings(L, list);
    return true;
  }
  case GL_FLAGS:
    push_flag_names(L, p->names, *(const long long *)field);
    return given(L, *(const long long *)field);
  case GL_NAME:
    gl_enum_push(L, p->names, *(const int *)field);
    return true;
  case GL_CHOICE:
    if (!(op->flags & (p->bit | p->other_bit)))
      return false;
    lua_pushboolean(L, op->flags & p->bit);
    return true;
  default:
    return false;
  }
}

/* Appends name and value, which is on top of the stack, to the list below it. */
static void append(lua_State *L, const char *name)
{
  lua_Integer count = (lua_Integer)lua_rawlen(L, -2);
  lua_rawseti(L, -2, count + 2);
  lua_pushstring(L, name);
  lua_rawseti(L, -2, count + 1);
}

/* Pushes a list of names and values by turns, with the names of the flags last, as in "active|shallow". */
static void push_arguments(lua_State *L, const gl_op *op)
{
  lua_newtable(L);
  for (const gl_param *p = op->def->params; p && p->name; p++)
    if (push_argument(L, op, p))
      append(L, p->name);
  lua_pushliteral(L, "");
  for (const gl_param *p = op->def->params; p && p->name; p++)
    if (p->kind == GL_FLAG && op->flags & p->bit) {
      lua_pushfstring(L, "%s%s%s", lua_tostring(L, -1), *lua_tostring(L, -1) ? "|" : "", p->name);
      lua_remove(L, -2);
    }
  if (*lua_tostring(L, -1))
    append(L, "flags");
  else
    lua_pop(L, 1);
  if (op->bounded) {
    lua_pushnumber(L, op->timeout);
    append(L, "timeout");
  }
}

/* ---- telling ---- */

static void set_string(lua_State *L, const char *key, const char *value)
{
  lua_pushstring(L, value);
  lua_setfield(L, -2, key);
}

/* Pushes the function that is told, and a table with what is known of each call; nothing and false where there is no such function. */
static bool begin(lua_State *L, const gl_op *op, const char *what)
{
  luaL_checkstack(L, 12, "too many arguments");
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &on_call_key) == LUA_TNIL) {
    lua_pop(L, 1);
    return false;
  }
  lua_pushstring(L, what);
  lua_createtable(L, 0, 10);
  set_string(L, "op", op->def->name);
  set_string(L, "call", op->def->call);
  gl_log_push_masked(L, op->uri);
  lua_setfield(L, -2, "host");
  set_string(L, "guest", op->guest || !op->dom ? op->guest : virDomainGetName(op->dom));
  set_string(L, "device", op->disk);
  push_arguments(L, op);
  lua_setfield(L, -2, "arguments");
  return true;
}

/* Copies a field of the error on top of the stack to the table below it. */
static void copy_field(lua_State *L, const char *name)
{
  lua_getfield(L, -1, name);
  lua_setfield(L, -3, name);
}

void gl_log_call(lua_State *L, const gl_op *op, const char *kind)
{
  /* What reads this process's memory is no call to anybody. */
  if (!(op->watched & GL_WATCH_TRACE) || !op->def->call || op->def->memory || !begin(L, op, "over"))
    return;
  if (kind) {
    set_string(L, "kind", kind);
    lua_pushboolean(L, op->phase == GL_OP_RUNNING);
    lua_setfield(L, -2, "still_running");
  } else {
    lua_pushnumber(L, (lua_Number)(op->took / 1000) / 1000);
    lua_setfield(L, -2, "duration_ms");
    lua_pushinteger(L, op->rc);
    lua_setfield(L, -2, "result");
    if (op->rc < 0) {
      gl_error_push_libvirt(L, op);
      copy_field(L, "kind");
      copy_field(L, "message");
      lua_pop(L, 1);
    }
  }
  lua_call(L, 2, 0);
}

bool gl_log_holds(const gl_op *op)
{
  return op->watched & GL_WATCH_DRY_RUN && op->def->changes;
}

int gl_log_hold(lua_State *L, const gl_op *op)
{
  const char *returns = op->def->returns;
  bool zero = returns && strcmp(returns, "0") == 0, yes = returns && strncmp(returns, "true", 4) == 0;
  if (begin(L, op, "held")) {
    lua_pushboolean(L, returns && !zero && !yes);
    lua_setfield(L, -2, "refused");
    lua_call(L, 2, 0);
  }
  if (!returns)
    return 0;
  if (zero)
    lua_pushinteger(L, 0);
  else if (yes)
    lua_pushboolean(L, true);
  else
    gl_error_call(L, op, "dry_run", "a dry run does not make this call, and cannot say what would come back (%s)", returns);
  return 1;
}

/* ---- for the modules in Lua ---- */

/* core.on_call(fn): fn("over" or "held", call) is called from now on; it must not wait. */
static int on_call(lua_State *L)
{
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &on_call_key);
  return 0;
}

static int watch(lua_State *L, unsigned bit)
{
  gl_state *s = gl_state_get(L);
  if (!lua_isnoneornil(L, 1))
    s->watch = lua_toboolean(L, 1) ? s->watch | bit : s->watch & ~bit;
  lua_pushboolean(L, s->watch & bit);
  return 1;
}

/* core.trace(on), core.dry_run(on): whether it is on; nil leaves it as it is. */
static int trace(lua_State *L)
{
  return watch(L, GL_WATCH_TRACE);
}

static int dry_run(lua_State *L)
{
  return watch(L, GL_WATCH_DRY_RUN);
}

/* core.mask(text), core.mask_xml(text) */
static int mask(lua_State *L)
{
  push_and_free(L, gl_mask_text(luaL_checkstring(L, 1)));
  return 1;
}

static int mask_xml(lua_State *L)
{
  push_and_free(L, gl_mask_xml(luaL_checkstring(L, 1)));
  return 1;
}

/* core.timestamp(): now, as in "2026-01-31T23:59:59.123Z" */
static int timestamp(lua_State *L)
{
  char text[40];
  struct timeval now;
  struct tm tm;
  gettimeofday(&now, NULL);
  size_t length = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", gmtime_r(&now.tv_sec, &tm));
  snprintf(text + length, sizeof text - length, ".%03dZ", (int)(now.tv_usec / 1000));
  lua_pushstring(L, text);
  return 1;
}

static FILE *check_file(lua_State *L)
{
  luaL_Stream *file = luaL_checkudata(L, 1, LUA_FILEHANDLE);
  return file->closef ? file->f : NULL;
}

/* core.write_whole(file, text): in one piece, after what the file has in its buffer. Whether it could be written is not said: who logs has
 * nobody to tell. */
static int write_whole(lua_State *L)
{
  FILE *file = check_file(L);
  size_t length;
  const char *text = luaL_checklstring(L, 2, &length);
  if (!file || fflush(file) != 0)
    return 0;
  for (ssize_t n; length > 0; text += n, length -= (size_t)n) {
    n = write(fileno(file), text, length);
    if (n < 0 && errno != EINTR)
      break;
    n = n < 0 ? 0 : n;
  }
  return 0;
}

/* core.columns(file): how many columns and rows the terminal has that the file is on, nil where it is on none. */
static int columns(lua_State *L)
{
  FILE *file = check_file(L);
  struct winsize size = {0};
  if (!file || !isatty(fileno(file)) || ioctl(fileno(file), TIOCGWINSZ, &size) < 0)
    return 0;
  lua_pushinteger(L, size.ws_col ? size.ws_col : 80);
  lua_pushinteger(L, size.ws_row ? size.ws_row : 24);
  return 2;
}

void gl_log_open(lua_State *L)
{
  static const luaL_Reg functions[] = {{"on_call", on_call},
                                       {"trace", trace},
                                       {"dry_run", dry_run},
                                       {"mask", mask},
                                       {"mask_xml", mask_xml},
                                       {"timestamp", timestamp},
                                       {"write_whole", write_whole},
                                       {"columns", columns},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
