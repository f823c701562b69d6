/* Element: Lua's view of an XML element. */
#ifndef GL_ELEMENT_H
#define GL_ELEMENT_H

#include <libxml/tree.h>
#include <lua.h>
#include <stdbool.h>

#include "call/class.h"
#include "call/op.h"

/* Whether the value at index is an Element. [-0, +0, -] */
bool gl_element_test(lua_State *L, int index);

/* Its node, or NULL where the value at index is no Element. [-0, +0, -] */
xmlNodePtr gl_element_node(lua_State *L, int index);

/* Pushes its XML text. [-0, +1, e] */
void gl_element_push_xml(lua_State *L, int index);

/* Pushes an Element for a node of *doc, which it takes over (and sets to NULL). [-0, +1, e] */
void gl_element_push(lua_State *L, xmlDocPtr *doc, xmlNodePtr node);

/* Pushes an Element for another node of the same document as the Element at index. [-0, +1, e] */
void gl_element_push_other(lua_State *L, int index, xmlNodePtr node);

/* Pushes an Element of XML text; raises "xml_error". [-0, +1, v] */
void gl_element_push_text(lua_State *L, const char *text);

extern const gl_class gl_element_class;

/* guestlua.element */
extern const gl_opdef gl_element_make;

#endif
