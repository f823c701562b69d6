#include "element/name.h"

#include <lauxlib.h>
#include <libxml/tree.h>
#include <string.h>

#include "base/error.h"
#include "element/text.h"
#include "text/xml.h"

static const char declaration[] = "xmlns:";

const xmlChar *gl_name_check(lua_State *L, int index)
{
  const char *name = lua_type(L, index) == LUA_TSTRING ? lua_tostring(L, index) : NULL;
  if (!name)
    gl_error_argument(L, "Element", "key", "a name expected, got %s", gl_error_type_name(L, index));
  /* The bytes are checked first: xmlValidateQName takes invalid UTF-8 for the end of the name. */
  size_t length = lua_rawlen(L, index);
  if (strlen(name) != length || !gl_xml_is_text(name, length) || xmlValidateQName((const xmlChar *)name, 0) != 0)
    gl_error_argument(L, "Element", "key", "'%s' is no name of an element or attribute", name);
  return (const xmlChar *)name;
}

const xmlChar *gl_name_local(const xmlChar *name)
{
  const xmlChar *colon = xmlStrchr(name, ':');
  return colon ? colon + 1 : name;
}

static xmlNsPtr find(xmlNodePtr scope, const xmlChar *prefix, int length)
{
  for (; scope && scope->type == XML_ELEMENT_NODE; scope = scope->parent)
    for (xmlNsPtr ns = scope->nsDef; ns; ns = ns->next)
      if (ns->prefix && xmlStrlen(ns->prefix) == length && xmlStrncmp(ns->prefix, prefix, length) == 0)
        return ns;
  return NULL;
}

xmlNsPtr gl_name_space(lua_State *L, xmlNodePtr scope, const xmlChar *name, xmlNsPtr inherited)
{
  const xmlChar *local = gl_name_local(name);
  if (local == name)
    return inherited;
  int length = (int)(local - name) - 1;
  bool builtin = length == 3 && xmlStrncmp(name, (const xmlChar *)"xml", 3) == 0;
  xmlNsPtr ns = builtin ? xmlSearchNs(scope->doc, scope, (const xmlChar *)"xml") : find(scope, name, length);
  if (!ns)
    gl_error_argument(L, "Element", (const char *)name,
                      "the prefix '%.*s' is not declared here; declare it in this element or in one around it: [\"xmlns:%.*s\"] = its "
                      "namespace",
                      length, (const char *)name, length, (const char *)name);
  return ns;
}

bool gl_name_declares(const xmlChar *name)
{
  return xmlStrncmp(name, (const xmlChar *)declaration, sizeof declaration - 1) == 0;
}

xmlNsPtr gl_name_declared(xmlNodePtr node, const xmlChar *name)
{
  const xmlChar *prefix = gl_name_local(name);
  for (xmlNsPtr ns = node->nsDef; ns; ns = ns->next)
    if (xmlStrEqual(ns->prefix, prefix))
      return ns;
  return NULL;
}

void gl_name_declare(lua_State *L, xmlNodePtr node, const xmlChar *name, int index)
{
  const xmlChar *uri = gl_xml_check_text(L, index, (const char *)name);
  if (xmlStrncmp(gl_name_local(name), (const xmlChar *)"xml", 3) == 0)
    gl_error_argument(L, "Element", (const char *)name, "prefixes that begin with xml are XML's own");
  xmlNsPtr ns = gl_name_declared(node, name);
  /* The element's present content may use the prefix as declared around it. */
  bool used = node->children || node->properties || node->ns;
  xmlNsPtr around = ns || !used ? ns : find(node->parent, gl_name_local(name), xmlStrlen(gl_name_local(name)));
  if (around && !xmlStrEqual(around->href, uri))
    gl_error_argument(L, "Element", (const char *)name, "the prefix stands for '%s' here already", (const char *)around->href);
  if (ns)
    return;
  gl_element_grow(L, node->doc, (size_t)xmlStrlen(uri));
  if (!gl_xml_is_namespace(uri) || !xmlNewNs(node, uri, gl_name_local(name)))
    gl_error_argument(L, "Element", (const char *)name, "the prefix cannot stand for '%s'", (const char *)uri);
}

void gl_name_undeclare(lua_State *L, xmlNodePtr node, xmlNsPtr ns)
{
  if (gl_xml_uses(node, ns))
    gl_error_argument(L, "Element", (const char *)ns->prefix, "the element has names with this prefix: it stays declared");
  xmlNsPtr *link = &node->nsDef;
  while (*link != ns)
    link = &(*link)->next;
  *link = ns->next;
  xmlFreeNs(ns);
}

void gl_name_adopt(xmlNodePtr node, xmlNsPtr ns)
{
  bool can = ns && !node->ns && !xmlStrchr(node->name, ':') && xmlSearchNs(node->doc, node, ns->prefix) == ns;
  if (!can)
    return;
  node->ns = ns;
  for (xmlNodePtr child = gl_xml_child(node, NULL); child; child = gl_xml_element(child->next, NULL))
    gl_name_adopt(child, ns);
}
