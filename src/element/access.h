/* Element: reading and assigning, element.key and element.key = value. */
#ifndef GL_ACCESS_H
#define GL_ACCESS_H

#include <libxml/tree.h>
#include <lua.h>
#include <stdbool.h>

/* The class's index and newindex: self, key [, value]. */
int gl_element_index(lua_State *L);
int gl_element_newindex(lua_State *L);

/* Pushes the attribute's value, or the namespace that "xmlns:…" declares here; false: there is none, and nothing is pushed. [-0, +(0|1), m]
 */
bool gl_element_push_attribute(lua_State *L, xmlNodePtr node, const xmlChar *name);

/* Pushes a text from libxml2, nil for NULL, and frees it. [-0, +1, m] */
void gl_element_push_xml_string(lua_State *L, xmlChar *text);

#endif
