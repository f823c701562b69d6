/*
 * The matching is that of lstrlib.c of Lua 5.4, but for the steps that it counts.
 * Copyright (C) 1994-2022 Lua.org, PUC-Rio; MIT licence: see LICENSE-lua.txt
 */
#include "pattern.h"

#include <ctype.h>
#include <lauxlib.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "sandbox.h"

#define UNFINISHED (-1)
#define POSITION (-2)
#define ESCAPE '%'
#define MAX_CAPTURES 32
#define MAX_DEPTH 200

/* Steps that are paid for together; and that cost as much as an instruction. */
#define BATCH 4096
#define STEPS 8

/* Bytes that memchr and memcmp look at in the time of a step. */
#define BYTES_A_STEP 16

typedef struct matching {
  const char *text, *text_end, *pattern_end;
  lua_State *L;
  gl_state *state;
  int depth, level;
  struct {
    const char *start;
    ptrdiff_t length;
  } capture[MAX_CAPTURES];
} matching;

static void step(matching *m, size_t count)
{
  size_t steps = m->state->limit.steps += count;
  if (steps < BATCH)
    return;
  m->state->limit.steps = 0;
  gl_sandbox_charge(m->L, m->state, (long long)(steps / STEPS), 1);
}

static const char *match(matching *m, const char *s, const char *p);

/* ---- captures ---- */

static int check_capture(matching *m, int digit)
{
  int l = digit - '1';
  if (l < 0 || l >= m->level || m->capture[l].length == UNFINISHED)
    return luaL_error(m->L, "invalid capture index %%%d", l + 1);
  return l;
}

static int capture_to_close(matching *m)
{
  int level = m->level;
  for (level--; level >= 0; level--)
    if (m->capture[level].length == UNFINISHED)
      return level;
  return luaL_error(m->L, "invalid pattern capture");
}

static const char *start_capture(matching *m, const char *s, const char *p, int what)
{
  int level = m->level;
  if (level >= MAX_CAPTURES)
    luaL_error(m->L, "too many captures");
  m->capture[level].start = s;
  m->capture[level].length = what;
  m->level = level + 1;
  const char *result = match(m, s, p);
  if (!result)
    m->level--;
  return result;
}

static const char *end_capture(matching *m, const char *s, const char *p)
{
  int l = capture_to_close(m);
  m->capture[l].length = s - m->capture[l].start;
  const char *result = match(m, s, p);
  if (!result)
    m->capture[l].length = UNFINISHED;
  return result;
}

static const char *match_capture(matching *m, const char *s, int digit)
{
  int l = check_capture(m, digit);
  size_t length = (size_t)m->capture[l].length;
  step(m, length / STEPS);
  return (size_t)(m->text_end - s) >= length && memcmp(m->capture[l].start, s, length) == 0 ? s + length : NULL;
}

/* ---- classes ---- */

static const char *class_end(const matching *m, const char *p)
{
  if (p == m->pattern_end)
    luaL_error(m->L, "malformed pattern (ends with '%%')");
  char first = *p++;
  if (first == ESCAPE) {
    if (p == m->pattern_end)
      luaL_error(m->L, "malformed pattern (ends with '%%')");
    return p + 1;
  }
  if (first != '[')
    return p;
  if (*p == '^')
    p++;
  do { /* look for a ']' */
    if (p == m->pattern_end)
      luaL_error(m->L, "malformed pattern (missing ']')");
    if (*p++ == ESCAPE && p < m->pattern_end)
      p++; /* skip escapes, as in "%]" */
  } while (*p != ']');
  return p + 1;
}

static bool matches_class(int c, int class)
{
  bool is;
  switch (tolower(class)) {
  case 'a':
    is = isalpha(c);
    break;
  case 'c':
    is = iscntrl(c);
    break;
  case 'd':
    is = isdigit(c);
    break;
  case 'g':
    is = isgraph(c);
    break;
  case 'l':
    is = islower(c);
    break;
  case 'p':
    is = ispunct(c);
    break;
  case 's':
    is = isspace(c);
    break;
  case 'u':
    is = isupper(c);
    break;
  case 'w':
    is = isalnum(c);
    break;
  case 'x':
    is = isxdigit(c);
    break;
  default:
    return class == c;
  }
  return islower(class) ? is : !is;
}

/* p is at the '[', end at the ']'. */
static bool matches_set(int c, const char *p, const char *end)
{
  bool yes = true;
  if (p[1] == '^') {
    yes = false;
    p++;
  }
  while (++p < end) {
    if (*p == ESCAPE) {
      p++;
      if (matches_class(c, (unsigned char)*p))
        return yes;
    } else if (p[1] == '-' && p + 2 < end) {
      p += 2;
      if ((unsigned char)p[-2] <= c && c <= (unsigned char)*p)
        return yes;
    } else if ((unsigned char)*p == c) {
      return yes;
    }
  }
  return !yes;
}

static bool matches_one(matching *m, const char *s, const char *p, const char *end)
{
  step(m, 1 + (size_t)(end - p) / STEPS);
  if (s >= m->text_end)
    return false;
  int c = (unsigned char)*s;
  switch (*p) {
  case '.':
    return true;
  case ESCAPE:
    return matches_class(c, (unsigned char)p[1]);
  case '[':
    return matches_set(c, p, end - 1);
  default:
    return (unsigned char)*p == c;
  }
}

/* ---- matching ---- */

static const char *match_balanced(matching *m, const char *s, const char *p)
{
  if (p >= m->pattern_end - 1)
    luaL_error(m->L, "malformed pattern (missing arguments to '%%b')");
  if (s >= m->text_end || *s != *p)
    return NULL;
  for (int depth = 1; ++s < m->text_end;) {
    step(m, 1);
    if (*s == p[1]) {
      if (--depth == 0)
        return s + 1;
    } else if (*s == *p) {
      depth++;
    }
  }
  return NULL;
}

static const char *expand_most(matching *m, const char *s, const char *p, const char *end)
{
  ptrdiff_t i = 0;
  while (matches_one(m, s + i, p, end))
    i++;
  for (; i >= 0; i--) {
    const char *result = match(m, s + i, end + 1);
    if (result)
      return result;
  }
  return NULL;
}

static const char *expand_least(matching *m, const char *s, const char *p, const char *end)
{
  for (;;) {
    const char *result = match(m, s, end + 1);
    if (result)
      return result;
    if (!matches_one(m, s, p, end))
      return NULL;
    s++;
  }
}

/* "%f[set]": p is at the set. */
static bool at_frontier(const matching *m, const char *s, const char *p, const char *end)
{
  int previous = s == m->text ? '\0' : (unsigned char)s[-1];
  int here = s == m->text_end ? '\0' : (unsigned char)*s;
  return !matches_set(previous, p, end - 1) && matches_set(here, p, end - 1);
}

/* A single character and what may follow it: "a", "a*", "a+", "a-", "a?". NULL: no match; else *rest is where the pattern goes on, or NULL
 * where all of it has matched. */
static const char *match_single(matching *m, const char *s, const char *p, const char **rest)
{
  const char *end = class_end(m, p), *result;
  char suffix = end < m->pattern_end ? *end : '\0';
  bool optional = suffix == '*' || suffix == '?' || suffix == '-';
  *rest = optional ? end + 1 : end;
  if (!matches_one(m, s, p, end))
    return optional ? s : NULL;
  switch (suffix) {
  case '?':
    result = match(m, s + 1, end + 1);
    break; /* where that is no match: without it */
  case '+':
    *rest = NULL;
    return expand_most(m, s + 1, p, end);
  case '*':
    *rest = NULL;
    return expand_most(m, s, p, end);
  case '-':
    *rest = NULL;
    return expand_least(m, s, p, end);
  default:
    return s + 1;
  }
  if (!result)
    return s;
  *rest = NULL;
  return result;
}

/* An escape that is more than a character: "%b", "%f", "%1". */
static const char *match_escape(matching *m, const char *s, const char *p, const char **rest)
{
  const char *end;
  switch (p[1]) {
  case 'b':
    *rest = p + 4;
    return match_balanced(m, s, p + 2);
  case 'f':
    p += 2;
    if (p == m->pattern_end || *p != '[')
      luaL_error(m->L, "missing '[' after '%%f' in pattern");
    end = class_end(m, p);
    *rest = end;
    return at_frontier(m, s, p, end) ? s : NULL;
  default:
    *rest = p + 2;
    return match_capture(m, s, (unsigned char)p[1]);
  }
}

static const char *match(matching *m, const char *s, const char *p)
{
  if (m->depth-- == 0)
    luaL_error(m->L, "pattern too complex");
  while (s && p && p != m->pattern_end) {
    const char *rest = NULL;
    step(m, 1);
    bool more = p + 1 < m->pattern_end;
    if (*p == '(')
      s = more && p[1] == ')' ? start_capture(m, s, p + 2, POSITION) : start_capture(m, s, p + 1, UNFINISHED);
    else if (*p == ')')
      s = end_capture(m, s, p + 1);
    else if (*p == '$' && !more)
      s = s == m->text_end ? s : NULL;
    else if (*p == ESCAPE && more && (p[1] == 'b' || p[1] == 'f' || isdigit((unsigned char)p[1])))
      s = match_escape(m, s, p, &rest);
    else
      s = match_single(m, s, p, &rest);
    p = rest;
  }
  m->depth++;
  return s;
}

/* ---- the functions ---- */

static void prepare(matching *m, lua_State *L, const char *text, size_t length, const char *pattern_end)
{
  *m =
    (matching){.text = text, .text_end = text + length, .pattern_end = pattern_end, .L = L, .state = gl_state_get(L), .depth = MAX_DEPTH};
}

/* One more attempt, elsewhere in the text. */
static const char *attempt(matching *m, const char *s, const char *p)
{
  m->level = 0;
  m->depth = MAX_DEPTH;
  return match(m, s, p);
}

/* Capture l, or the whole match where there is none; a position is pushed. */
static ptrdiff_t get_capture(matching *m, int l, const char *s, const char *e, const char **start)
{
  if (l >= m->level) {
    if (l != 0)
      luaL_error(m->L, "invalid capture index %%%d", l + 1);
    *start = s;
    return e - s;
  }
  *start = m->capture[l].start;
  if (m->capture[l].length == UNFINISHED)
    luaL_error(m->L, "unfinished capture");
  else if (m->capture[l].length == POSITION)
    lua_pushinteger(m->L, m->capture[l].start - m->text + 1);
  return m->capture[l].length;
}

static void push_capture(matching *m, int l, const char *s, const char *e)
{
  const char *start;
  ptrdiff_t length = get_capture(m, l, s, e, &start);
  if (length != POSITION)
    lua_pushlstring(m->L, start, (size_t)length);
}

static int push_captures(matching *m, const char *s, const char *e)
{
  int count = m->level == 0 && s ? 1 : m->level;
  luaL_checkstack(m->L, count, "too many captures");
  for (int i = 0; i < count; i++)
    push_capture(m, i, s, e);
  return count;
}

/* A position from 1, or from the end where it is negative, as an index; where there is none, length + 1. */
static size_t start_of(lua_State *L, int index, size_t length)
{
  lua_Integer at = luaL_optinteger(L, index, 1);
  if (at > 0)
    return (size_t)at - 1;
  if (at == 0 || at < -(lua_Integer)length)
    return 0;
  return length - (size_t)-at;
}

static const char *find_plain(matching *m, const char *s, const char *p, size_t length)
{
  if (length == 0)
    return s;
  while ((size_t)(m->text_end - s) >= length) {
    const char *next = memchr(s, *p, (size_t)(m->text_end - s) - length + 1);
    step(m, 1 + (size_t)((next ? next : m->text_end) - s) / BYTES_A_STEP);
    if (!next)
      return NULL;
    step(m, length / BYTES_A_STEP);
    if (memcmp(next, p, length) == 0)
      return next;
    s = next + 1;
  }
  return NULL;
}

static bool is_plain(const char *p, size_t length)
{
  for (size_t i = 0; i < length; i++)
    if (p[i] && strchr("^$*+?.([%-", p[i]))
      return false;
  return true;
}

static int find_or_match(lua_State *L, bool find)
{
  size_t length, pattern_length;
  const char *text = luaL_checklstring(L, 1, &length), *p = luaL_checklstring(L, 2, &pattern_length);
  size_t start = start_of(L, 3, length);
  if (start > length) {
    lua_pushnil(L);
    return 1;
  }
  matching m;
  prepare(&m, L, text, length, p + pattern_length);
  if (find && (lua_toboolean(L, 4) || is_plain(p, pattern_length))) {
    const char *found = find_plain(&m, text + start, p, pattern_length);
    if (!found) {
      lua_pushnil(L);
      return 1;
    }
    lua_pushinteger(L, found - text + 1);
    lua_pushinteger(L, found - text + (ptrdiff_t)pattern_length);
    return 2;
  }
  bool anchored = *p == '^' && pattern_length > 0;
  const char *s = text + start, *e;
  p += anchored;
  do {
    e = attempt(&m, s, p);
    if (e && find) {
      lua_pushinteger(L, s - text + 1);
      lua_pushinteger(L, e - text);
      return push_captures(&m, NULL, NULL) + 2;
    } else if (e) {
      return push_captures(&m, s, e);
    }
  } while (s++ < m.text_end && !anchored);
  lua_pushnil(L);
  return 1;
}

static int find(lua_State *L)
{
  return find_or_match(L, true);
}

static int match_(lua_State *L)
{
  return find_or_match(L, false);
}

/* What gmatch returns. upvalues: the text and the pattern; where to look, and the end of the match before, as numbers from 0 */
static int gmatch_next(lua_State *L)
{
  size_t length, pattern_length;
  const char *text = lua_tolstring(L, lua_upvalueindex(1), &length), *p = lua_tolstring(L, lua_upvalueindex(2), &pattern_length);
  lua_Integer at = lua_tointeger(L, lua_upvalueindex(3)), last = lua_tointeger(L, lua_upvalueindex(4));
  matching m;
  prepare(&m, L, text, length, p + pattern_length);
  for (; at <= (lua_Integer)length; at++) {
    const char *e = attempt(&m, text + at, p);
    if (!e || e - text == last)
      continue;
    lua_pushinteger(L, e - text);
    lua_copy(L, -1, lua_upvalueindex(3));
    lua_replace(L, lua_upvalueindex(4));
    return push_captures(&m, text + at, e);
  }
  return 0;
}

static int gmatch(lua_State *L)
{
  size_t length;
  luaL_checklstring(L, 1, &length);
  luaL_checkstring(L, 2);
  size_t start = start_of(L, 3, length);
  lua_settop(L, 2);
  lua_pushinteger(L, (lua_Integer)(start > length ? length + 1 : start));
  lua_pushinteger(L, -1);
  lua_pushcclosure(L, gmatch_next, 4);
  return 1;
}

/* The replacement is a text. */
static void add_text(matching *m, luaL_Buffer *b, const char *s, const char *e)
{
  size_t length;
  const char *text = lua_tolstring(m->L, 3, &length), *end = text + length;
  step(m, length / BYTES_A_STEP);
  for (const char *p; (p = memchr(text, ESCAPE, (size_t)(end - text))); text = p + 1) {
    const char *start;
    luaL_addlstring(b, text, (size_t)(p - text));
    p++;
    if (p < end && *p == ESCAPE) {
      luaL_addchar(b, *p);
    } else if (p < end && *p == '0') {
      luaL_addlstring(b, s, (size_t)(e - s));
    } else if (p < end && isdigit((unsigned char)*p)) {
      ptrdiff_t captured = get_capture(m, *p - '1', s, e, &start);
      if (captured == POSITION)
        luaL_addvalue(b);
      else
        luaL_addlstring(b, start, (size_t)captured);
    } else {
      luaL_error(m->L, "invalid use of '%%' in replacement string");
    }
  }
  luaL_addlstring(b, text, (size_t)(end - text));
}

/* Whether the text is another one then. */
static bool add_replacement(matching *m, luaL_Buffer *b, const char *s, const char *e)
{
  lua_State *L = m->L;
  switch (lua_type(L, 3)) {
  case LUA_TFUNCTION:
    lua_pushvalue(L, 3);
    lua_call(L, push_captures(m, s, e), 1);
    break;
  case LUA_TTABLE:
    push_capture(m, 0, s, e);
    lua_gettable(L, 3);
    break;
  default:
    add_text(m, b, s, e);
    return true;
  }
  if (!lua_toboolean(L, -1)) {
    lua_pop(L, 1);
    luaL_addlstring(b, s, (size_t)(e - s));
    return false;
  } else if (!lua_isstring(L, -1)) {
    return luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
  }
  luaL_addvalue(b);
  return true;
}

static int gsub(lua_State *L)
{
  size_t length, pattern_length;
  const char *s = luaL_checklstring(L, 1, &length), *p = luaL_checklstring(L, 2, &pattern_length);
  const char *last = NULL;
  int type = lua_type(L, 3);
  lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)length + 1), count = 0;
  luaL_argexpected(L, type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION || type == LUA_TTABLE, 3,
                   "string/function/table");
  bool anchored = *p == '^' && pattern_length > 0, changed = false;
  matching m;
  luaL_Buffer b;
  prepare(&m, L, s, length, p + pattern_length);
  p += anchored;
  luaL_buffinit(L, &b);
  while (count < most) {
    const char *e = attempt(&m, s, p);
    if (e && e != last) {
      count++;
      changed = add_replacement(&m, &b, s, e) || changed;
      s = last = e;
    } else if (s < m.text_end) {
      luaL_addchar(&b, *s++);
    } else {
      break;
    }
    if (anchored)
      break;
  }
  if (changed) {
    luaL_addlstring(&b, s, (size_t)(m.text_end - s));
    luaL_pushresult(&b);
  } else {
    lua_pushvalue(L, 1);
  }
  lua_pushinteger(L, count);
  return 2;
}

int gl_pattern_functions(lua_State *L)
{
  static const luaL_Reg functions[] = {{"find", find}, {"match", match_}, {"gmatch", gmatch}, {"gsub", gsub}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
