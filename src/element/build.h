#ifndef GL_BUILD_H
#define GL_BUILD_H

#include <libxml/tree.h>
#include <lua.h>

/* Sets the attribute to the string or number at index. [-0, +0, v] */
void gl_element_set_attribute(lua_State *L, xmlNodePtr node, const xmlChar *name, int index);

/* Raises if an Element put into an element at that depth would be nested deeper than libxml2 can parse again. [-0, +0, v] */
void gl_element_check_depth(lua_State *L, xmlNodePtr added, int depth);

/* Fills in a new element from the table at index. depth: the number of elements and tables around it. [-0, +0, v] */
void gl_element_build(lua_State *L, xmlNodePtr node, int index, int depth);

/* Declares the prefixes that the table at index has as "xmlns:…", and sets the namespace of the new element of that name. [-0, +0, v]
 */
void gl_element_set_namespace(lua_State *L, xmlNodePtr node, const xmlChar *name, int index);

/* Adds child elements `name` made of the value at index: one, or one for each item of a list. [-0, +0, v] */
void gl_element_add_children(lua_State *L, xmlNodePtr parent, const xmlChar *name, int index, int depth);

#endif
