/* Element: a userdata for a node of an XML document. */
#ifndef GL_NODE_H
#define GL_NODE_H

#include <libxml/tree.h>
#include <lua.h>
#include <stdbool.h>

#include "call/object.h"

typedef struct gl_document {
  xmlDocPtr doc;
  xmlNodePtr removed; /* removed nodes, linked by next */
  int refs;
  bool built; /* from a table: printed with indentation */
  gl_state *state;
  size_t size; /* counted in state->xml_size */
} gl_document;

typedef struct gl_element {
  gl_object object;
  gl_document *document; /* counted */
  xmlNodePtr node;
} gl_element;

extern const gl_type gl_element_type;

/* Whether the value at index is an Element. [-0, +0, -] */
bool gl_element_test(lua_State *L, int index);

/* Its node, or NULL if the value at index is not an Element. [-0, +0, -] */
xmlNodePtr gl_element_node(lua_State *L, int index);

/* Pushes its XML text. [-0, +1, e] */
void gl_element_push_xml(lua_State *L, int index);

/* Pushes an Element for a node of *doc, which it takes over (and sets to NULL). [-0, +1, e] */
void gl_element_push(lua_State *L, xmlDocPtr *doc, xmlNodePtr node);

/* Pushes an Element for another node of the same document as the Element at index. [-0, +1, e] */
void gl_element_push_other(lua_State *L, int index, xmlNodePtr node);

/* Pushes an Element of XML text; raises "xml_error". [-0, +1, v] */
void gl_element_push_text(lua_State *L, const char *text);
void gl_element_push_parsed(lua_State *L, const char *text, size_t length);

/* For the other files of this folder. */

/* Pushes an Element with a document of its own and no node yet; one for a node of the document. [-0, +1, e] */
gl_element *gl_element_push_document(lua_State *L);
int gl_element_push_node(lua_State *L, gl_document *d, xmlNodePtr node);

/* Pushes what xmlNodeDump has put into the buffer, and frees that; length: its result, negative if there was no memory. [-0, +1, m] */
void gl_element_push_buffer(lua_State *L, xmlBufferPtr buffer, int length);

/* Removes a node from the document, which frees it at the end. */
void gl_element_take_out(gl_document *d, xmlNodePtr node);

/* Counts the document's growth since the last call. */
void gl_element_sync_size(gl_document *d);

_Noreturn void gl_element_no_memory(lua_State *L);

#endif
