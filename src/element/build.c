/* Element: from tables to nodes. */
#include "element/build.h"

#include <lauxlib.h>
#include <libxml/tree.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "element/name.h"
#include "element/node.h"
#include "element/text.h"
#include "loop/sandbox.h"
#include "text/xml.h"

/* The greatest depth of nested elements that libxml2 can parse again. */
#define MAX_DEPTH 250

/* Of one that libxml2 would not find: two prefixes may stand for one namespace, and each have an attribute of the same name. */
static void set_value(xmlDocPtr doc, xmlAttrPtr attribute, const xmlChar *value)
{
  xmlFreeNodeList(attribute->children);
  attribute->children = attribute->last = xmlNewDocText(doc, value);
  if (attribute->children)
    attribute->children->parent = (xmlNodePtr)attribute;
}

void gl_element_set_attribute(lua_State *L, xmlNodePtr node, const xmlChar *name, int index)
{
  const xmlChar *value = gl_xml_check_text(L, index, (const char *)name);
  if (xmlStrEqual(name, (const xmlChar *)"xmlns"))
    gl_error_argument(L, "Element", "xmlns", "a namespace without a prefix is no attribute: declare it in XML text");
  if (gl_name_declares(name)) {
    gl_name_declare(L, node, name, index);
    return;
  }
  xmlAttrPtr old = gl_xml_attribute(node, name);
  xmlNsPtr ns = old ? old->ns : gl_name_space(L, node, name, NULL);
  if (!old)
    gl_element_grow(L, node->doc, (size_t)xmlStrlen(value));
  else if (!old->children || xmlStrlen(old->children->content) < xmlStrlen(value))
    gl_element_grow(L, node->doc, (size_t)(xmlStrlen(value) - (old->children ? xmlStrlen(old->children->content) : 0)));
  if (!old || xmlHasNsProp(node, old->name, ns ? ns->href : NULL) == old)
    xmlSetNsProp(node, ns, old ? old->name : gl_name_local(name), value);
  else
    set_value(node->doc, old, value);
}

/* Of an element that has no such attribute yet: libxml2 would look for it, and for the last one, each time. Names with prefixes may be the
 * same by other prefixes. */
static xmlAttrPtr add_attribute(lua_State *L, xmlNodePtr node, xmlAttrPtr last, const xmlChar *name, int index)
{
  const xmlChar *value = gl_xml_check_text(L, index, (const char *)name);
  gl_element_grow(L, node->doc, (size_t)xmlStrlen(value));
  xmlAttrPtr added = xmlNewDocProp(node->doc, name, NULL);
  if (!added)
    luaL_error(L, "guestlua: out of memory");
  added->parent = node;
  added->prev = last;
  if (last)
    last->next = added;
  else
    node->properties = added;
  set_value(node->doc, added, value);
  return added;
}

static xmlAttrPtr add_with_prefix(lua_State *L, xmlNodePtr node, xmlAttrPtr last, const xmlChar *name, int index, long long before)
{
  gl_sandbox_charge(L, gl_state_get(L), before / 2, 1); /* all of them are looked at */
  gl_element_set_attribute(L, node, name, index);
  for (last = last ? last : node->properties; last && last->next;)
    last = last->next;
  return last;
}

static bool is_plain(const xmlChar *name)
{
  return !xmlStrchr(name, ':') && !xmlStrEqual(name, (const xmlChar *)"xmlns");
}

void gl_element_check_depth(lua_State *L, xmlNodePtr added, int depth)
{
  if (depth + gl_xml_height(added) > MAX_DEPTH)
    gl_error_argument(L, "Element", (const char *)added->name, "nested deeper than %d elements", MAX_DEPTH);
}

/* A copy of the Element's node, to be put into the parent. */
static xmlNodePtr copy_given(lua_State *L, xmlNodePtr given, xmlNodePtr parent, const xmlChar *name, int depth)
{
  if (!xmlStrEqual(given->name, gl_name_local(name)))
    gl_error_argument(L, "Element", (const char *)name, "a <%s> element expected, got a <%s>", name, given->name);
  gl_element_check_depth(L, given, depth);
  gl_element_grow(L, parent->doc, gl_element_weight(given));
  return xmlDocCopyNode(given, parent->doc, 1);
}

void gl_element_set_namespace(lua_State *L, xmlNodePtr node, const xmlChar *name, int index)
{
  long long declared = 0;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING || !gl_name_declares((const xmlChar *)lua_tostring(L, -2)))
      continue;
    gl_sandbox_charge(L, gl_state_get(L), ++declared / 2, 1); /* all of them are looked at */
    gl_name_declare(L, node, gl_name_check(L, lua_gettop(L) - 1), lua_gettop(L));
  }
  bool inner = node->parent && node->parent->type == XML_ELEMENT_NODE;
  node->ns = gl_name_space(L, node, name, inner ? node->parent->ns : NULL);
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
  xmlNodePtr given = gl_element_node(L, index);
  gl_element_grow(L, parent->doc, 0);
  xmlNodePtr child = given ? copy_given(L, given, parent, name, depth) : xmlNewDocNode(parent->doc, NULL, gl_name_local(name), NULL);
  if (!child)
    luaL_error(L, "guestlua: out of memory");
  xmlAddChild(parent, child);
  if (given) {
    gl_name_adopt(child, gl_name_space(L, child, name, parent->ns));
  } else {
    gl_element_set_namespace(L, child, name, index);
    gl_element_build(L, child, index, depth);
  }
}

static int by_name(const void *a, const void *b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Fills in a new element from the table at index: scalars are attributes, tables are child elements, [1] is the text. Names are taken in
 * alphabetical order, so that equal tables print alike. */
void gl_element_build(lua_State *L, xmlNodePtr node, int index, int depth)
{
  if (!lua_istable(L, index))
    gl_error_argument(L, "Element", (const char *)node->name, "table or Element expected, got %s", gl_error_type_name(L, index));
  size_t count = 0;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
    count++;
  const char **names = lua_newuserdatauv(L, (count + 1) * sizeof *names, 0); /* the Lua table keeps the strings alive */
  size_t room = count;
  count = 0;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    if (lua_isinteger(L, -2) && lua_tointeger(L, -2) == 1) {
      const xmlChar *text = gl_xml_check_text(L, lua_gettop(L), "1");
      gl_element_grow(L, node->doc, (size_t)xmlStrlen(text));
      if (*text)
        xmlAddChild(node, xmlNewDocText(node->doc, text));
    } else if (count < room) {
      names[count++] = (const char *)gl_name_check(L, -2);
    } else {
      gl_error_argument(L, "Element", (const char *)node->name, "the table was changed while it was read, as by a finalizer");
    }
  }
  qsort(names, count, sizeof *names, by_name);
  xmlAttrPtr last = NULL; /* the element is new */
  for (size_t i = 0; i < count; i++) {
    lua_pushstring(L, names[i]);
    lua_rawget(L, index);
    int value = lua_gettop(L);
    if (lua_istable(L, value) || gl_element_test(L, value))
      gl_element_add_children(L, node, (const xmlChar *)names[i], value, depth + 1);
    else if (is_plain((const xmlChar *)names[i]))
      last = add_attribute(L, node, last, (const xmlChar *)names[i], value);
    else
      last = add_with_prefix(L, node, last, (const xmlChar *)names[i], value, (long long)i);
    lua_settop(L, value - 1);
  }
  lua_pop(L, 1);
}
