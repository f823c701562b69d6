#include "element/access.h"

#include <lauxlib.h>

#include "base/error.h"
#include "base/owned.h"
#include "element/build.h"
#include "element/name.h"
#include "element/node.h"
#include "element/text.h"
#include "text/xml.h"

void gl_element_push_xml_string(lua_State *L, xmlChar *text)
{
  if (text)
    gl_owned_push(L, (const char *)text, (size_t)xmlStrlen(text), text, xmlFree);
  else
    lua_pushnil(L);
}

/* Pushes the text directly inside the element, from its text and CDATA children: "" if there is none. */
static void push_text(lua_State *L, xmlNodePtr node)
{
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (xmlNodePtr n = node->children; n; n = n->next)
    if (n->type == XML_TEXT_NODE || n->type == XML_CDATA_SECTION_NODE)
      luaL_addstring(&b, (const char *)n->content);
  luaL_pushresult(&b);
}

static void set_text(gl_document *d, xmlNodePtr node, const xmlChar *text)
{
  for (xmlNodePtr n = node->children, next; n; n = next) {
    next = n->next;
    if (n->type == XML_TEXT_NODE || n->type == XML_CDATA_SECTION_NODE)
      gl_element_take_out(d, n);
  }
  xmlNodePtr added = *text ? xmlNewDocText(d->doc, text) : NULL;
  if (!added)
    return;
  if (node->children)
    xmlAddPrevSibling(node->children, added);
  else
    xmlAddChild(node, added);
}

bool gl_element_push_attribute(lua_State *L, xmlNodePtr node, const xmlChar *name)
{
  xmlNsPtr ns = gl_name_declares(name) ? gl_name_declared(node, name) : NULL;
  xmlAttrPtr attribute = ns ? NULL : gl_xml_attribute(node, name);
  if (ns)
    lua_pushstring(L, (const char *)ns->href);
  else if (attribute)
    gl_element_push_xml_string(L, xmlNodeGetContent((xmlNodePtr)attribute));
  return ns || attribute;
}

/* self.key: an attribute's value, else the first child element of the name; self[1]: the text. Methods come before both. */
int gl_element_index(lua_State *L)
{
  gl_element *e = gl_object_check(L, 1, &gl_element_type, "index");
  if (lua_isinteger(L, 2) && lua_tointeger(L, 2) == 1) {
    push_text(L, e->node);
    return 1;
  }
  if (lua_type(L, 2) != LUA_TSTRING) {
    lua_pushnil(L);
    return 1;
  }
  if (gl_element_push_attribute(L, e->node, (const xmlChar *)lua_tostring(L, 2)))
    return 1;
  xmlNodePtr child = gl_xml_child(e->node, lua_tostring(L, 2));
  if (child)
    return gl_element_push_node(L, e->document, child);
  lua_pushnil(L);
  return 1;
}

static void remove_children(gl_document *d, xmlNodePtr from, const char *name)
{
  for (xmlNodePtr n = gl_xml_element(from, name), next; n; n = next) {
    next = gl_xml_element(n->next, name);
    gl_element_take_out(d, n);
  }
}

/* What the element itself declares for the namespace's prefix; else the namespace. */
static xmlNsPtr same_namespace(xmlNodePtr element, xmlNsPtr ns)
{
  for (xmlNsPtr own = element->nsDef; ns && own; own = own->next)
    if (xmlStrEqual(own->prefix, ns->prefix))
      return own;
  return ns;
}

/* Replaces the child elements of the name, from `first` on, by elements made of the value at index. The new ones are made apart, so that an
 * error leaves everything as it was, and parked among the removed nodes meanwhile, which the document frees. */
static void replace_children(lua_State *L, gl_element *e, xmlNodePtr first, const xmlChar *name, int index)
{
  gl_document *d = e->document;
  xmlNodePtr made = xmlNewDocNode(d->doc, NULL, (const xmlChar *)"made", NULL);
  if (!made)
    gl_element_no_memory(L);
  gl_element_take_out(d, made);
  /* New elements see the prefixes declared here, and by the element that they replace; one without a prefix gets the namespace of that
   * element, or of its parent. */
  made->parent = e->node;
  made->nsDef = first ? xmlCopyNamespaceList(first->nsDef) : NULL;
  made->ns = first ? same_namespace(made, first->ns) : e->node->ns;
  gl_element_add_children(L, made, name, index, gl_xml_depth(e->node) + 1);
  made->parent = NULL;
  for (xmlNodePtr n = made->children, next; n; n = next) {
    next = n->next;
    gl_xml_take_namespaces_along(n, made);
    xmlUnlinkNode(n);
    if (first)
      xmlAddPrevSibling(first, n);
    else
      xmlAddChild(e->node, n);
  }
  remove_children(d, first, (const char *)name);
}

/* The mirror image of reading: a scalar sets the attribute, or the text of the child element if there is such a child and no such
 * attribute; a table or an Element replaces all child elements of the name; nil removes what reading would find. */
static void assign(lua_State *L, gl_element *e)
{
  gl_document *d = e->document;
  if (lua_isinteger(L, 2) && lua_tointeger(L, 2) == 1) {
    const xmlChar *text = gl_xml_check_text(L, 3, "1");
    gl_element_grow(L, d->doc, (size_t)xmlStrlen(text));
    set_text(d, e->node, text);
    return;
  }
  const xmlChar *name = gl_name_check(L, 2);
  xmlAttrPtr attribute = gl_xml_attribute(e->node, name);
  xmlNodePtr child = gl_xml_child(e->node, (const char *)name);
  xmlNsPtr declared = gl_name_declares(name) ? gl_name_declared(e->node, name) : NULL;
  if (lua_isnil(L, 3)) {
    if (declared)
      gl_name_undeclare(L, e->node, declared);
    else if (attribute)
      xmlRemoveProp(attribute);
    else
      remove_children(d, child, (const char *)name);
  } else if (lua_istable(L, 3) || gl_element_test(L, 3)) {
    replace_children(L, e, child, name, 3);
  } else if (attribute || !child) {
    gl_element_set_attribute(L, e->node, name, 3);
  } else {
    const xmlChar *text = gl_xml_check_text(L, 3, (const char *)name);
    gl_element_grow(L, d->doc, (size_t)xmlStrlen(text));
    set_text(d, child, text);
  }
}

int gl_element_newindex(lua_State *L)
{
  gl_element *e = gl_object_check(L, 1, &gl_element_type, "newindex");
  lua_settop(L, 3);
  assign(L, e);
  gl_element_sync_size(e->document);
  return 0;
}
