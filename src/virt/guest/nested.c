/* Typed parameters as nested tables. */
#include "virt/guest/nested.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "call/push.h"

/* A step on the way through the parameters: a table that is made, or that is there already, below the one on top of the stack; the end of
 * one; the next value. */
typedef enum { MAKE, ENTER, LEAVE, VALUE } step_kind;

typedef struct step {
  step_kind kind;
  int key;    /* its place among the known keys; 0: it is the number */
  int number; /* of MAKE and without a key */
  int fields; /* of MAKE: how many, nearly */
} step;

typedef struct gl_layout {
  const virTypedParameter *params; /* of the guest that it was made of */
  int count, fields, depth, used;
  step steps[];
} gl_layout;

/* Where set_nested notes what it does. */
typedef struct recorder {
  gl_nested *of;
  gl_layout *layout;
} recorder;

/* ---- the way there, name by name ---- */

/* Notes a step with the key on top of the stack. [-0, +0, m] */
static void note(lua_State *L, const recorder *to, step_kind kind, int fields)
{
  if (!to)
    return;
  step *s = &to->layout->steps[to->layout->used++];
  *s = (step){.kind = kind, .fields = fields};
  if (kind != LEAVE && lua_isinteger(L, -1)) {
    s->number = (int)lua_tointeger(L, -1);
  } else if (kind != LEAVE) {
    s->key = ++to->of->keys;
    lua_pushvalue(L, -1);
    lua_rawseti(L, to->of->known, s->key);
  }
}

/* Pushes the key that a part of a name is: a number if it is one. [-0, +1, m] */
static void push_key(lua_State *L, const char *part, size_t length)
{
  if (length && length < 10 && strspn(part, "0123456789") == length)
    lua_pushinteger(L, strtol(part, NULL, 10)); /* it ends at the dot */
  else
    lua_pushlstring(L, part, length);
}

/* How many of the parameters, of which the names agree so far, begin with the first one's next part too. A part ends with its dot. */
static int count_alike(const virTypedParameter *params, int count, size_t offset, size_t length)
{
  int alike = 1;
  while (alike < count && strncmp(params[alike].field + offset, params->field + offset, length) == 0)
    alike++;
  return alike;
}

/* How many keys they make, nearly: libvirt lists them in groups. */
static int count_keys(const virTypedParameter *params, int count, size_t offset)
{
  int keys = 0;
  for (int i = 0; i < count; keys++)
    i += count_alike(params + i, count - i, offset, strcspn(params[i].field + offset, ".") + 1);
  return keys;
}

/* Pushes the table below the key that is on top of the stack, which it replaces, and makes it if there is none; false, and nothing is
 * pushed, if the key has a value of another kind. [-1, +(0|1), m] */
static bool open_table(lua_State *L, const recorder *to, const virTypedParameter *params, int count, size_t offset)
{
  lua_pushvalue(L, -1);
  int type = lua_rawget(L, -3);
  if (type != LUA_TNIL && type != LUA_TTABLE) {
    lua_pop(L, 2);
    return false;
  }
  if (type == LUA_TNIL) {
    int fields = count_keys(params, count, offset);
    lua_pop(L, 1);
    note(L, to, MAKE, fields);
    lua_createtable(L, 0, fields);
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -2);
    lua_rawset(L, -5);
  } else {
    lua_insert(L, -2);
    note(L, to, ENTER, 0);
    lua_insert(L, -2);
  }
  lua_replace(L, -2);
  return true;
}

/* Puts the values into the table on top of the stack and those below it, as their names, for example "block.0.rd.bytes", lead there. The
 * names agree up to the offset. A name that goes on behind one that has a value itself stays whole from there. [-0, +0, m] */
static void set_nested(lua_State *L, const recorder *to, const virTypedParameter *params, int count, size_t offset, int depth)
{
  luaL_checkstack(L, 6, "statistics");
  if (to && depth > to->layout->depth)
    to->layout->depth = depth;
  for (int alike; count > 0; params += alike, count -= alike) {
    const char *part = params->field + offset;
    size_t length = strcspn(part, ".");
    alike = 1;
    if (part[length]) {
      int under = count_alike(params, count, offset, length + 1);
      push_key(L, part, length);
      if (open_table(L, to, params, under, offset + length + 1)) {
        set_nested(L, to, params, under, offset + length + 1, depth + 1);
        note(L, to, LEAVE, 0);
        lua_pop(L, 1);
        alike = under;
        continue;
      }
      length += strlen(part + length);
    }
    push_key(L, part, length);
    note(L, to, VALUE, 0);
    gl_push_param(L, params);
    lua_rawset(L, -3);
  }
}

/* ---- the way of one before ---- */

/* The number of its steps at most: each dot is a table that is begun and left. */
static size_t most_steps(const virTypedParameter *params, int count)
{
  size_t steps = 0;
  for (int i = 0; i < count; i++) {
    steps++;
    for (const char *dot = params[i].field; (dot = strchr(dot, '.')); dot++)
      steps += 2;
  }
  return steps;
}

/* Whether they are the same but for their values. The kinds count, as a value of an unknown one is none. */
static bool fits(const gl_layout *layout, const virTypedParameter *params, int count)
{
  if (layout->count != count)
    return false;
  for (int i = count; i-- > 0;) /* the last ones differ most */
    if (params[i].type != layout->params[i].type || strcmp(params[i].field, layout->params[i].field) != 0)
      return false;
  return true;
}

static const gl_layout *find_layout(const gl_nested *self, const virTypedParameter *params, int count)
{
  for (int i = 0; i < self->count; i++)
    if (fits(self->layouts[i], params, count))
      return self->layouts[i];
  return NULL;
}

/* One without steps yet; NULL if there are enough. [-0, +0, m] */
static gl_layout *new_layout(lua_State *L, gl_nested *self, const virTypedParameter *params, int count)
{
  if (self->count == GL_LAYOUTS)
    return NULL;
  gl_layout *layout = lua_newuserdatauv(L, sizeof *layout + most_steps(params, count) * sizeof(step), 0);
  *layout = (gl_layout){.params = params, .count = count, .fields = count_keys(params, count, 0)};
  lua_rawsetp(L, self->known, layout);
  return self->layouts[self->count++] = layout;
}

/* Puts the values into the table on top of the stack and those below it. [-0, +0, m] */
static void follow(lua_State *L, const gl_nested *self, const gl_layout *layout, const virTypedParameter *params)
{
  luaL_checkstack(L, layout->depth + 6, "statistics");
  for (const step *s = layout->steps; s < layout->steps + layout->used; s++) {
    if (s->kind == LEAVE) {
      lua_pop(L, 1);
      continue;
    }
    if (s->kind == MAKE)
      lua_createtable(L, 0, s->fields);
    if (s->key)
      lua_rawgeti(L, self->known, s->key);
    else
      lua_pushinteger(L, s->number);
    if (s->kind == ENTER) {
      lua_rawget(L, -2);
    } else if (s->kind == VALUE) {
      gl_push_param(L, params++);
      lua_rawset(L, -3);
    } else {
      lua_pushvalue(L, -2);
      lua_rawset(L, -4);
    }
  }
}

/* ---- */

void gl_nested_begin(lua_State *L, gl_nested *self)
{
  *self = (gl_nested){0};
  lua_newtable(L);
  self->known = lua_gettop(L);
}

void gl_nested_push(lua_State *L, gl_nested *self, const virTypedParameter *params, int count)
{
  const gl_layout *known = self ? find_layout(self, params, count) : NULL;
  gl_layout *fresh = self && !known ? new_layout(L, self, params, count) : NULL;
  lua_createtable(L, 0, known ? known->fields : count_keys(params, count, 0));
  if (known)
    follow(L, self, known, params);
  else
    set_nested(L, fresh ? &(recorder){self, fresh} : NULL, params, count, 0, 0);
}
