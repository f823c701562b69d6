/* Element: from tables to nodes. */
#include "element/build.h"

#include <lauxlib.h>
#include <libxml/tree.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "element/node.h"
#include "loop/sandbox.h"
#include "text/xml.h"

/* How deep elements may be nested: what libxml2 reads again. */
#define MAX_DEPTH 250

/* The string or number at index as text that XML can hold. */
const xmlChar *gl_xml_check_text(lua_State *L, int index, const char *what)
{
  if (!lua_isstring(L, index))
    gl_error_argument(L, "Element", what, "string or number expected, got %s%s", luaL_typename(L, index),
                      lua_isboolean(L, index) ? "; XML has no booleans: write \"yes\", \"no\", or {} for an empty element" : "");
  if (lua_type(L, index) == LUA_TNUMBER && !lua_isinteger(L, index)) {
    lua_Integer whole;
    if (lua_numbertointeger(lua_tonumber(L, index), &whole) && (lua_Number)whole == lua_tonumber(L, index)) {
      lua_pushinteger(L, whole);
      lua_replace(L, index);
    }
  }
  size_t length;
  const char *text = luaL_tolstring(L, index, &length);
  lua_replace(L, index);
  if (strlen(text) != length || !xmlCheckUTF8((const xmlChar *)text))
    gl_error_argument(L, "Element", what, "the text is not UTF-8, or has a NUL byte in it");
  for (const char *c = text; *c; c++)
    if ((unsigned char)*c < 0x20 && !strchr("\t\n\r", *c))
      gl_error_argument(L, "Element", what, "XML cannot hold the control character %d", *c);
  if (!gl_xml_is_text(text, length))
    gl_error_argument(L, "Element", what, "the text is not UTF-8, or has a character in it that XML cannot hold");
  return (const xmlChar *)text;
}

const xmlChar *gl_xml_check_name(lua_State *L, int index)
{
  const char *name = lua_type(L, index) == LUA_TSTRING ? lua_tostring(L, index) : NULL;
  if (!name)
    gl_error_argument(L, "Element", "key", "a name expected, got %s", luaL_typename(L, index));
  /* The bytes come first: xmlValidateNCName takes what is not UTF-8 for the end of the name. */
  size_t length = lua_rawlen(L, index);
  if (strlen(name) != length || !gl_xml_is_text(name, length) || xmlValidateNCName((const xmlChar *)name, 0) != 0)
    gl_error_argument(L, "Element", "key", "'%s' is no name of an element or attribute", name);
  return (const xmlChar *)name;
}

/* "<a/>", a="" */
#define WEIGHT_OF_ONE 8

void gl_element_grow(lua_State *L, xmlDocPtr doc, size_t bytes)
{
  size_t size = (size_t)doc->_private + WEIGHT_OF_ONE + bytes;
  doc->_private = (void *)size; /* NOLINT */
  gl_state *s = gl_state_get(L);
  gl_sandbox_check_xml(L, s, size);
  gl_sandbox_charge(L, s, 16 + (long long)bytes / 64, 1); /* tables can hold each other many times over */
}

size_t gl_element_weight(xmlNodePtr node)
{
  size_t weight = WEIGHT_OF_ONE + (size_t)(node->type == XML_ELEMENT_NODE ? 0 : xmlStrlen(node->content));
  if (node->type != XML_ELEMENT_NODE)
    return weight;
  for (xmlAttrPtr a = node->properties; a; a = a->next)
    weight += WEIGHT_OF_ONE + (a->children ? (size_t)xmlStrlen(a->children->content) : 0);
  for (xmlNodePtr child = node->children; child; child = child->next)
    weight += gl_element_weight(child);
  return weight;
}

void gl_element_set_attribute(lua_State *L, xmlNodePtr node, const xmlChar *name, int index)
{
  const xmlChar *value = gl_xml_check_text(L, index, (const char *)name);
  if (xmlStrEqual(name, (const xmlChar *)"xmlns"))
    gl_error_argument(L, "Element", "xmlns", "a namespace is no attribute: declare it in XML text");
  xmlAttrPtr old = xmlHasProp(node, name);
  if (!old)
    gl_element_grow(L, node->doc, (size_t)xmlStrlen(value));
  else if (!old->children || xmlStrlen(old->children->content) < xmlStrlen(value))
    gl_element_grow(L, node->doc, (size_t)(xmlStrlen(value) - (old->children ? xmlStrlen(old->children->content) : 0)));
  xmlSetProp(node, name, value);
}

void gl_element_check_depth(lua_State *L, xmlNodePtr added, int depth)
{
  if (depth + gl_xml_height(added) > MAX_DEPTH)
    gl_error_argument(L, "Element", (const char *)added->name, "nested deeper than %d elements", MAX_DEPTH);
}

void gl_element_add_children(lua_State *L, xmlNodePtr parent, const xmlChar *name, int index, int depth)
{
  luaL_checkstack(L, 16, "too deep");
  if (depth > MAX_DEPTH)
    gl_error_argument(L, "Element", (const char *)name, "nested deeper than %d tables (does one contain itself?)", MAX_DEPTH);
  int top = lua_gettop(L);
  bool list = lua_istable(L, index) && (lua_rawgeti(L, index, 1), lua_istable(L, -1) || gl_element_test(L, -1));
  lua_settop(L, top);
  if (list) {
    lua_Integer count = (lua_Integer)lua_rawlen(L, index);
    for (lua_Integer i = 1; i <= count; i++) {
      lua_rawgeti(L, index, i);
      gl_element_add_children(L, parent, name, lua_gettop(L), depth + 1);
      lua_pop(L, 1);
    }
    return;
  }
  xmlNodePtr child;
  xmlNodePtr given = gl_element_node(L, index);
  if (given) {
    if (!xmlStrEqual(given->name, name))
      gl_error_argument(L, "Element", (const char *)name, "a <%s> element expected, got a <%s>", name, given->name);
    gl_element_check_depth(L, given, depth);
    gl_element_grow(L, parent->doc, gl_element_weight(given));
    child = xmlDocCopyNode(given, parent->doc, 1);
  } else {
    gl_element_grow(L, parent->doc, 0);
    child = xmlNewDocNode(parent->doc, NULL, name, NULL);
  }
  if (!child)
    luaL_error(L, "guestlua: out of memory");
  xmlAddChild(parent, child);
  if (!given)
    gl_element_build(L, child, index, depth);
}

static int by_name(const void *a, const void *b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Fills in a new element from the table at index: scalars are attributes, tables are child elements, [1] is the text. Names are taken in
 * alphabetical order, so that the same table always prints the same. */
void gl_element_build(lua_State *L, xmlNodePtr node, int index, int depth)
{
  if (!lua_istable(L, index))
    gl_error_argument(L, "Element", (const char *)node->name, "table or Element expected, got %s", luaL_typename(L, index));
  size_t count = 0;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
    count++;
  const char **names = lua_newuserdatauv(L, (count + 1) * sizeof *names, 0); /* the table keeps the strings alive */
  count = 0;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    if (lua_isinteger(L, -2) && lua_tointeger(L, -2) == 1) {
      const xmlChar *text = gl_xml_check_text(L, lua_gettop(L), "1");
      gl_element_grow(L, node->doc, (size_t)xmlStrlen(text));
      if (*text)
        xmlAddChild(node, xmlNewDocText(node->doc, text));
    } else {
      names[count++] = (const char *)gl_xml_check_name(L, -2);
    }
  }
  qsort(names, count, sizeof *names, by_name);
  for (size_t i = 0; i < count; i++) {
    lua_pushstring(L, names[i]);
    lua_rawget(L, index);
    int value = lua_gettop(L);
    if (lua_istable(L, value) || gl_element_test(L, value))
      gl_element_add_children(L, node, (const xmlChar *)names[i], value, depth + 1);
    else
      gl_element_set_attribute(L, node, (const xmlChar *)names[i], value);
    lua_settop(L, value - 1);
  }
  lua_pop(L, 1);
}
