/* Text in XML, and its limit in a document. */
#ifndef GL_ELEMENT_TEXT_H
#define GL_ELEMENT_TEXT_H

#include <libxml/tree.h>
#include <lua.h>

/* The string or number at index as text that XML can hold; it is converted in place. what: its name in the error. [-0, +0, v] */
const xmlChar *gl_xml_check_text(lua_State *L, int index, const char *what);

/* Counts bytes added to the text of a document, and raises if there is no room for them (sandbox.h). [-0, +0, v] */
void gl_element_grow(lua_State *L, xmlDocPtr doc, size_t bytes);

/* The approximate number of such bytes for a copy of the node. */
size_t gl_element_weight(xmlNodePtr node);

#endif
