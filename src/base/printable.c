#include "base/printable.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/owned.h"
#include "text/buffer.h"
#include "text/mask.h"
#include "text/secret.h"

static const char secrets_key; /* in the registry: a userdata with the set of secrets */

static gl_secrets *secrets_of(lua_State *L)
{
  lua_rawgetp(L, LUA_REGISTRYINDEX, &secrets_key);
  gl_secrets **set = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return set ? *set : NULL;
}

static int free_secrets(lua_State *L)
{
  gl_secrets **set = lua_touserdata(L, 1);
  gl_secrets_free(*set);
  *set = NULL;
  return 0;
}

static void make_secrets(lua_State *L)
{
  gl_secrets **set = lua_newuserdatauv(L, sizeof *set, 0);
  *set = NULL;
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, free_secrets);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  *set = gl_secrets_new();
  if (!*set)
    luaL_error(L, "guestlua: out of memory");
  lua_rawsetp(L, LUA_REGISTRYINDEX, &secrets_key);
}

/* Takes over a text, and pushes it. NULL, from a failed allocation: better no text than a secret. */
static void push_or_masked(lua_State *L, char *text)
{
  if (text)
    gl_owned_push(L, text, strlen(text), text, free);
  else
    lua_pushliteral(L, GL_MASKED);
}

/* Takes over a text, and pushes it with all secrets known by value masked. */
void gl_printable_push_own(lua_State *L, char *text)
{
  size_t length = text ? strlen(text) : 0;
  char *hidden = text ? gl_secrets_hide(secrets_of(L), text, length, &length) : NULL;
  if (hidden) {
    free(text);
    text = hidden;
  }
  push_or_masked(L, text);
}

void gl_printable_push_masked(lua_State *L, const char *text)
{
  if (text)
    gl_printable_push_own(L, gl_mask_text(text));
  else
    lua_pushnil(L);
}

/* A line's greatest length: libvirt quotes what it was given in its errors, however long that is. */
enum { LONGEST_LINE = 8192 };

/* Where in UTF-8 text a character begins, at that place or before it. */
static size_t boundary(const char *text, size_t at)
{
  while (at > 0 && (text[at] & 0xc0) == 0x80)
    at--;
  return at;
}

/* Takes over the text, and gives it without its middle if it is too long. */
static char *shortened(char *text)
{
  size_t length = text ? strlen(text) : 0;
  if (length <= LONGEST_LINE)
    return text;
  size_t head = boundary(text, LONGEST_LINE / 2), tail = boundary(text, length - LONGEST_LINE / 2);
  char left_out[64];
  snprintf(left_out, sizeof left_out, "… (%zu bytes left out) …", tail - head);
  gl_buffer b = {0};
  gl_buffer_add(&b, text, head);
  gl_buffer_add_text(&b, left_out);
  gl_buffer_add_text(&b, text + tail);
  free(text);
  return gl_buffer_take(&b);
}

void gl_printable_push(lua_State *L, int index, gl_escape_lines lines)
{
  size_t length;
  const char *text = lua_tolstring(L, index, &length);
  char *hidden = gl_secrets_hide(secrets_of(L), text, length, &length);
  char *printable = gl_escape(hidden ? hidden : text, length, lines); /* has no NUL bytes */
  free(hidden);
  char *masked = printable ? gl_mask_text(printable) : NULL;
  free(printable);
  push_or_masked(L, lines == GL_ESCAPE_LINES ? shortened(masked) : masked);
}

/* A finder's, with the set that learns. */
typedef struct learner {
  gl_finder finder;
  gl_secrets *secrets;
} learner;

static void learn(gl_finder *finder, const char *value, size_t length)
{
  gl_secrets_add(((learner *)finder)->secrets, value, length);
}

void gl_printable_learn_bytes(lua_State *L, const char *bytes, size_t length)
{
  learner l = {.finder.found = learn, .secrets = secrets_of(L)};
  if (!l.secrets)
    return;
  gl_secrets_add(l.secrets, bytes, length);
  gl_mask_find_in_text(bytes, &l.finder);
}

void gl_printable_learn(lua_State *L, const char *text, gl_printable_known known)
{
  learner l = {.finder.found = learn, .secrets = secrets_of(L)};
  if (!l.secrets || known == GL_KNOWN_NONE)
    return;
  if (known == GL_KNOWN_SECRET)
    gl_printable_learn_bytes(L, text, strlen(text));
  else if (known == GL_KNOWN_XML)
    gl_mask_find_in_xml(text, &l.finder);
  else if (strstr(text, "://"))
    gl_mask_find_in_text(text, &l.finder);
}

/* ---- for the modules in Lua ---- */

/* core.mask(text), core.mask_xml(text): on one line, with secrets masked */
static int mask(lua_State *L)
{
  gl_printable_push_masked(L, luaL_checkstring(L, 1));
  return 1;
}

static int mask_xml(lua_State *L)
{
  gl_printable_push_own(L, gl_mask_xml(luaL_checkstring(L, 1)));
  return 1;
}

static gl_escape_lines check_lines(lua_State *L, int index)
{
  static const char *const names[] = {[GL_ESCAPE_LINES] = "escape", [GL_KEEP_LINES] = "keep", [GL_INDENT_LINES] = "indent", NULL};
  return (gl_escape_lines)luaL_checkoption(L, index, "escape", names);
}

/* core.printable(text [, lines]): for people to read, with secrets masked and control characters escaped; lines: how line feeds
 * are treated, "escape", "keep" or "indent" */
static int printable(lua_State *L)
{
  luaL_checkstring(L, 1);
  gl_printable_push(L, 1, check_lines(L, 2));
  return 1;
}

/* core.escape(text [, lines]): the same without the secrets */
static int escape(lua_State *L)
{
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  char *escaped = gl_escape(text, length, check_lines(L, 2));
  if (!escaped)
    return luaL_error(L, "guestlua: out of memory");
  gl_owned_push(L, escaped, strlen(escaped), escaped, free);
  return 1;
}

/* core.secret(value): it is masked from now on wherever it would be printed */
static int secret(lua_State *L)
{
  size_t length;
  const char *value = luaL_checklstring(L, 1, &length);
  gl_secrets *set = secrets_of(L);
  if (set)
    gl_secrets_add(set, value, length);
  return 0;
}

/* core.is_secret_name(name): whether a field of that name is masked */
static int is_secret_name(lua_State *L)
{
  lua_pushboolean(L, gl_mask_is_name(luaL_checkstring(L, 1)));
  return 1;
}

void gl_printable_open(lua_State *L)
{
  static const luaL_Reg functions[] = {{"mask", mask},     {"mask_xml", mask_xml}, {"printable", printable},
                                       {"escape", escape}, {"secret", secret},     {"is_secret_name", is_secret_name},
                                       {NULL, NULL}};
  make_secrets(L);
  luaL_setfuncs(L, functions, 0);
}
