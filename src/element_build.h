#ifndef GL_ELEMENT_BUILD_H
#define GL_ELEMENT_BUILD_H

#include <libxml/tree.h>
#include <lua.h>

/* The string or number at index as text that XML can hold; it is converted in place. what: for the error. [-0, +0, v] */
const xmlChar *gl_xml_check_text(lua_State *L, int index, const char *what);

/* The string at index as the name of an element or attribute. [-0, +0, v] */
const xmlChar *gl_xml_check_name(lua_State *L, int index);

/* Fills in a new element from the table at index. depth: of the tables around it. [-0, +0, v] */
void gl_element_build(lua_State *L, xmlNodePtr node, int index, int depth);

/* Adds child elements `name` made of the value at index: one, or one for each item of a list. Where `before` is not NULL, in front of it.
 * [-0, +0, v] */
void gl_element_add_children(lua_State *L, xmlNodePtr parent, xmlNodePtr before, const xmlChar *name, int index, int depth);

#endif
