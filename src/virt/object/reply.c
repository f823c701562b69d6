#include "virt/object/reply.h"

#include <stdlib.h>

#include "call/push.h"
#include "virt/object/named.h"

static bool is_error(int code)
{
  virErrorPtr e = virGetLastError();
  return e && e->code == code;
}

static const gl_named_type *given(const gl_op *op)
{
  return op->def->gives;
}

/* ---- on any thread ---- */

static void identify(gl_op *op, void **objects, int count)
{
  const gl_named_type *type = given(op);
  gl_reply *reply = (gl_reply *)op;
  if (!type || !type->handle_type->identity || count <= 0 || !(reply->identities = calloc((size_t)count, sizeof *reply->identities)))
    return;
  for (int i = 0; i < count; i++)
    reply->identities[i] = type->handle_type->identity(objects[i], op->uri, true);
}

int gl_reply_object(gl_op *op, void *object)
{
  gl_reply *reply = (gl_reply *)op;
  if (!(reply->object = object))
    return -1;
  identify(op, &reply->object, 1);
  return 0;
}

int gl_reply_found(gl_op *op, void *object)
{
  return gl_reply_object(op, object) == 0 || is_error(given(op)->handle_type->missing) ? 0 : -1;
}

int gl_reply_list(gl_op *op, void *list, int count)
{
  gl_reply *reply = (gl_reply *)op;
  reply->list = list;
  reply->count = count < 0 ? 0 : count;
  identify(op, reply->list, count);
  return count < 0 ? -1 : 0;
}

int gl_reply_room(gl_op *op, int count)
{
  gl_reply *reply = (gl_reply *)op;
  reply->count = count;
  reply->params = calloc((size_t)count + 1, sizeof *reply->params);
  return reply->params ? 0 : gl_op_fail(op, "no_memory", "out of memory");
}

bool gl_reply_may_be_older(const gl_op *op)
{
  return op->args.flags == 0 && (is_error(VIR_ERR_NO_SUPPORT) || (!op->def->changes && is_error(VIR_ERR_INVALID_ARG)));
}

unsigned gl_count_texts(char *const *list)
{
  unsigned count = 0;
  while (list && list[count])
    count++;
  return count;
}

/* ---- pushing ---- */

static void push(lua_State *L, gl_reply *reply, int i, void **object)
{
  gl_named_push(L, given(&reply->op), reply->op.connection, 1, object);
  if (reply->identities)
    gl_named_identify(L, -1, &reply->identities[i]);
}

int gl_reply_push_object(lua_State *L, gl_op *op)
{
  gl_reply *reply = (gl_reply *)op;
  if (reply->object)
    push(L, reply, 0, &reply->object);
  else
    lua_pushnil(L);
  return 1;
}

int gl_reply_push_objects(lua_State *L, gl_op *op)
{
  gl_reply *reply = (gl_reply *)op;
  lua_createtable(L, reply->count, 0);
  for (int i = 0; i < reply->count; i++) {
    push(L, reply, i, &reply->list[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

int gl_reply_push_texts(lua_State *L, gl_op *op)
{
  gl_reply *reply = (gl_reply *)op;
  lua_createtable(L, reply->count, 0);
  for (int i = 0; i < reply->count; i++) {
    lua_pushstring(L, reply->list[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

int gl_reply_push_numbers(lua_State *L, gl_op *op)
{
  gl_reply *reply = (gl_reply *)op;
  int count = reply->number_count ? reply->number_count : 1;
  for (int i = 0; i < count; i++)
    if (i == 0 && reply->names)
      gl_enum_push(L, reply->names, (int)reply->numbers[i]);
    else
      lua_pushinteger(L, reply->numbers[i]);
  return count;
}

int gl_reply_push_params(lua_State *L, gl_op *op)
{
  gl_reply *reply = (gl_reply *)op;
  int count = reply->number_count ? gl_reply_push_numbers(L, op) : 0;
  gl_push_params(L, reply->params, reply->count);
  return count + 1;
}

int gl_reply_push_boolean(lua_State *L, gl_op *op)
{
  lua_pushboolean(L, ((gl_reply *)op)->numbers[0] != 0);
  return 1;
}

int gl_reply_push_word(lua_State *L, gl_op *op)
{
  gl_enum_push(L, ((gl_reply *)op)->names, (int)((gl_reply *)op)->numbers[0]);
  return 1;
}

int gl_push_constant(lua_State *L, gl_op *op)
{
  lua_pushstring(L, ((gl_reply *)op)->constant);
  return 1;
}

void gl_set_integer(lua_State *L, const char *name, lua_Integer value)
{
  lua_pushinteger(L, value);
  lua_setfield(L, -2, name);
}

void gl_set_text(lua_State *L, const char *name, const char *text)
{
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

void gl_set_word(lua_State *L, const char *name, const gl_enum *names, int value)
{
  gl_enum_push(L, names, value);
  lua_setfield(L, -2, name);
}

/* ---- freeing ---- */

static void free_identities(gl_reply *reply, int count)
{
  for (int i = 0; reply->identities && i < count; i++)
    free(reply->identities[i]);
  free(reply->identities);
}

void gl_reply_free_object(gl_op *op)
{
  free_identities((gl_reply *)op, 1);
  if (((gl_reply *)op)->object)
    given(op)->handle_type->free(((gl_reply *)op)->object);
}

void gl_reply_free_objects(gl_op *op)
{
  gl_reply *reply = (gl_reply *)op;
  free_identities(reply, reply->count);
  for (int i = 0; i < reply->count; i++)
    if (reply->list[i])
      given(op)->handle_type->free(reply->list[i]);
  free(reply->list);
}

void gl_reply_free_texts(gl_op *op)
{
  gl_reply *reply = (gl_reply *)op;
  for (int i = 0; i < reply->count; i++)
    free(reply->list[i]);
  free(reply->list);
}

void gl_reply_free_params(gl_op *op)
{
  virTypedParamsFree(((gl_reply *)op)->params, ((gl_reply *)op)->count);
}
