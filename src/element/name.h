/* Names of elements and attributes with a prefix, and the namespaces of prefixes. */
#ifndef GL_ELEMENT_NAME_H
#define GL_ELEMENT_NAME_H

#include <libxml/tree.h>
#include <lua.h>
#include <stdbool.h>

/* The string at index as the name of an element or attribute, with or without a prefix. [-0, +0, v] */
const xmlChar *gl_name_check(lua_State *L, int index);

/* The name without its prefix. */
const xmlChar *gl_name_local(const xmlChar *name);

/* The namespace of a name used at the node: that of its prefix, which must be declared there; `inherited` without a prefix.
 * [-0, +0, v] */
xmlNsPtr gl_name_space(lua_State *L, xmlNodePtr scope, const xmlChar *name, xmlNsPtr inherited);

/* Whether the name is "xmlns:…", which declares a prefix. */
bool gl_name_declares(const xmlChar *name);

/* Declares it at the node, for the namespace at index. [-0, +0, v] */
void gl_name_declare(lua_State *L, xmlNodePtr node, const xmlChar *name, int index);

/* The namespace that "xmlns:…" declares at the node itself, or NULL. */
xmlNsPtr gl_name_declared(xmlNodePtr node, const xmlChar *name);

/* Takes the declaration away from the node, which must not need it. [-0, +0, v] */
void gl_name_undeclare(lua_State *L, xmlNodePtr node, xmlNsPtr ns);

/* Gives a copied element the namespace, and all in it that has none either, if its prefix means it there. */
void gl_name_adopt(xmlNodePtr node, xmlNsPtr ns);

#endif
