#ifndef GL_BUILD_H
#define GL_BUILD_H

#include <libxml/tree.h>
#include <lua.h>

/* The string or number at index as text that XML can hold; it is converted in place. what: for the error. [-0, +0, v] */
const xmlChar *gl_xml_check_text(lua_State *L, int index, const char *what);

/* The string at index as the name of an element or attribute. [-0, +0, v] */
const xmlChar *gl_xml_check_name(lua_State *L, int index);

/* Counts bytes by which the text of a document grows, and raises where there is no room for them (sandbox.h). [-0, +0, v] */
void gl_element_grow(lua_State *L, xmlDocPtr doc, size_t bytes);

/* About how many that are for a copy of the node. */
size_t gl_element_weight(xmlNodePtr node);

/* Sets the attribute to the string or number at index. [-0, +0, v] */
void gl_element_set_attribute(lua_State *L, xmlNodePtr node, const xmlChar *name, int index);

/* Raises where an Element in an element at that depth would be nested deeper than libxml2 reads again. [-0, +0, v] */
void gl_element_check_depth(lua_State *L, xmlNodePtr added, int depth);

/* Fills in a new element from the table at index. depth: of the elements and tables around it. [-0, +0, v] */
void gl_element_build(lua_State *L, xmlNodePtr node, int index, int depth);

/* Adds child elements `name` made of the value at index: one, or one for each item of a list. [-0, +0, v] */
void gl_element_add_children(lua_State *L, xmlNodePtr parent, const xmlChar *name, int index, int depth);

#endif
