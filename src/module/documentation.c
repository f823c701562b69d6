#include "module/documentation.h"

#include <lauxlib.h>
#include <string.h>

#include "call/args.h"
#include "module/index.h"

static void add_fields(lua_State *L, const gl_result_field *field)
{
  if (!field)
    return;
  lua_newtable(L);
  for (lua_Integer i = 1; field->name; field++, i++) {
    lua_createtable(L, 0, 3);
    lua_pushstring(L, field->name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, field->type);
    lua_setfield(L, -2, "type");
    lua_pushstring(L, field->help);
    lua_setfield(L, -2, "help");
    lua_rawseti(L, -2, i);
  }
  lua_setfield(L, -2, "fields");
}

/* Pushes name, call, help, result, returns, fields and params of an operation as a table. */
static void push_doc(lua_State *L, const gl_opdef *def, bool field)
{
  const char *const texts[][2] = {{"name", def->name}, {"call", def->call}, {"help", def->help}, {"returns", def->returns}};
  lua_createtable(L, 0, 5);
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    lua_pushstring(L, texts[i][1]);
    lua_setfield(L, -2, texts[i][0]);
  }
  for (int i = 0; i < GL_MOST_RESULTS && def->result[i]; i++) {
    if (i == 0)
      lua_createtable(L, 1, 0);
    lua_pushstring(L, def->result[i]);
    lua_rawseti(L, -2, i + 1);
    if (i + 1 == GL_MOST_RESULTS || !def->result[i + 1])
      lua_setfield(L, -2, "result");
  }
  add_fields(L, def->fields);
  lua_pushboolean(L, def->changes);
  lua_setfield(L, -2, "changes");
  lua_pushboolean(L, def->run && !def->memory);
  lua_setfield(L, -2, "calls");
  gl_args_push(L, def->params, def->run && !def->memory && !field);
  lua_setfield(L, -2, "params");
}

/* Appends the docs of a table of operations to the list on top of the stack. */
static void add_docs(lua_State *L, const gl_opdef *const *defs, bool fields)
{
  for (; defs && *defs; defs++) {
    push_doc(L, *defs, fields);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  }
}

/* Pushes that of one method; nil if there is none of that name. */
static int document_method(lua_State *L, const char *class, const char *method)
{
  for (size_t i = 0; gl_classes[i]; i++)
    for (const gl_opdef *const *const *table = gl_classes[i]->ops; strcmp(gl_classes[i]->type->name, class) == 0 && *table; table++)
      for (const gl_opdef *const *defs = *table; *defs; defs++)
        if (strcmp((*defs)->name, method) == 0) {
          push_doc(L, *defs, false);
          return 1;
        }
  return 0;
}

int gl_documentation(lua_State *L)
{
  if (!lua_isnone(L, 1))
    return document_method(L, luaL_checkstring(L, 1), luaL_checkstring(L, 2));
  lua_newtable(L);
  lua_newtable(L);
  add_docs(L, gl_functions, false);
  lua_setfield(L, -2, "functions");
  lua_newtable(L);
  for (lua_Integer i = 0; gl_classes[i]; i++) {
    lua_createtable(L, 0, 4);
    lua_pushstring(L, gl_classes[i]->type->name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, gl_classes[i]->help);
    lua_setfield(L, -2, "help");
    if (gl_classes[i]->inherits) {
      lua_pushstring(L, gl_classes[i]->inherits->name);
      lua_setfield(L, -2, "inherits");
    }
    lua_newtable(L);
    for (const gl_opdef *const *const *table = gl_classes[i]->ops; *table; table++)
      add_docs(L, *table, false);
    lua_setfield(L, -2, "methods");
    lua_newtable(L);
    add_docs(L, gl_classes[i]->fields, true);
    lua_setfield(L, -2, "fields");
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "classes");
  return 1;
}
