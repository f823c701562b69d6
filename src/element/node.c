/*
 * Element: Lua's view of an XML element.
 *
 * Elements of one document share it: each holds a count, and removed nodes are freed with the document, so that no Element ever points to
 * a freed node. Parts that the script does not touch are printed as they were read, including unknown elements, namespaces and comments.
 */
#include "element/node.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/owned.h"
#include "loop/sandbox.h"
#include "text/xml.h"

/* The size of a document besides its text, counted as so many bytes of text. */
#define WEIGHT_OF_DOCUMENT 64

_Noreturn void gl_element_no_memory(lua_State *L)
{
  luaL_error(L, "guestlua: out of memory");
  __builtin_unreachable();
}

static void element_close(gl_object *o)
{
  gl_document *d = ((gl_element *)o)->document;
  if (!d || --d->refs)
    return;
  d->state->xml_size -= d->size;
  xmlFreeNodeList(d->removed);
  xmlFreeDoc(d->doc);
  free(d);
}

const gl_type gl_element_type = {.name = "Element", .close = element_close};

static gl_element *push_empty(lua_State *L)
{
  gl_element *e = gl_object_new(L, &gl_element_type, sizeof *e, 0);
  e->object.closed = false;
  return e;
}

int gl_element_push_node(lua_State *L, gl_document *d, xmlNodePtr node)
{
  gl_element *e = push_empty(L);
  d->refs++;
  e->document = d;
  e->node = node;
  return 1;
}

gl_element *gl_element_push_document(lua_State *L)
{
  gl_element *e = push_empty(L);
  e->document = calloc(1, sizeof *e->document);
  if (!e->document)
    gl_element_no_memory(L);
  e->document->refs = 1;
  e->document->state = gl_state_get(L);
  return e;
}

/* To Lua an Element is a few bytes, whatever the size of its document. A script that makes many could fill the memory before Lua collects,
 * and documents that wait for it push each other out of the processor's caches. So a collection runs when the documents' texts have grown
 * to twice their size after the last one; but not before they have grown by an eighth of Lua's memory, which is what it has to look at. */
static size_t next_limit(lua_State *L, size_t size)
{
  enum { ALWAYS_ALLOWED = 128 << 10 };
  size_t memory = (size_t)lua_gc(L, LUA_GCCOUNT) << 10, grown = memory / 8 > ALWAYS_ALLOWED ? memory / 8 : ALWAYS_ALLOWED;
  return size + (size > grown ? size : grown);
}

static void set_document(lua_State *L, gl_element *e, xmlDocPtr doc, xmlNodePtr node)
{
  gl_state *s = e->document->state;
  e->document->doc = doc;
  doc->_private = (char *)doc->_private + WEIGHT_OF_DOCUMENT;
  e->document->size = (size_t)doc->_private;
  e->node = node;
  s->xml_size += e->document->size;
  if (s->xml_size > s->xml_limit && lua_gc(L, LUA_GCISRUNNING)) {
    lua_gc(L, LUA_GCCOLLECT);
    s->xml_limit = next_limit(L, s->xml_size);
  }
}

xmlNodePtr gl_element_node(lua_State *L, int index)
{
  gl_element *e = (gl_element *)gl_object_test(L, index, &gl_element_type);
  if (e && e->object.closed)
    gl_error_throw(L, "closed", "this Element is closed");
  return e ? e->node : NULL;
}

void gl_element_push(lua_State *L, xmlDocPtr *doc, xmlNodePtr node)
{
  gl_element *e = gl_element_push_document(L);
  xmlDocPtr taken = *doc;
  *doc = NULL;
  set_document(L, e, taken, node);
}

void gl_element_push_other(lua_State *L, int index, xmlNodePtr node)
{
  gl_element_push_node(L, ((gl_element *)lua_touserdata(L, index))->document, node);
}

bool gl_element_test(lua_State *L, int index)
{
  return gl_object_test(L, index, &gl_element_type);
}

void gl_element_take_out(gl_document *d, xmlNodePtr node)
{
  if (node->type == XML_ELEMENT_NODE) /* alone it has no prefixes of what was around it */
    gl_xml_take_namespaces_along(node, NULL);
  xmlUnlinkNode(node);
  node->next = d->removed;
  d->removed = node;
}

void gl_element_sync_size(gl_document *d)
{
  size_t size = (size_t)d->doc->_private;
  d->state->xml_size += size - d->size;
  d->size = size;
}

/* libxml2 compares each attribute with all others of its element: at most so many times. */
static long long comparisons(const char *text, size_t length)
{
  long long sum = 0, attributes = 0;
  for (size_t i = 0; i < length; i++) {
    if (text[i] == '=')
      attributes++;
    if (text[i] == '>' || i + 1 == length) {
      sum += attributes * attributes;
      attributes = 0;
    }
  }
  return sum;
}

void gl_element_push_parsed(lua_State *L, const char *text, size_t length)
{
  char message[256];
  gl_element *e = gl_element_push_document(L);
  gl_state *s = e->document->state;
  gl_sandbox_check_xml(L, s, length);
  if (s->limit.counts)
    gl_sandbox_charge(L, s, comparisons(text, length) / 16, 1);
  xmlDocPtr doc = gl_xml_parse(text, length, message, sizeof message);
  if (!doc)
    gl_error_throw(L, "xml_error", "not XML: %s", message);
  set_document(L, e, doc, xmlDocGetRootElement(doc));
}

void gl_element_push_text(lua_State *L, const char *text)
{
  gl_element_push_parsed(L, text, strlen(text));
}

static void free_buffer(void *buffer)
{
  xmlBufferFree(buffer);
}

void gl_element_push_buffer(lua_State *L, xmlBufferPtr buffer, int length)
{
  if (length >= 0) {
    gl_owned_push(L, (const char *)xmlBufferContent(buffer), (size_t)xmlBufferLength(buffer), buffer, free_buffer);
    return;
  }
  xmlBufferFree(buffer);
  gl_element_no_memory(L);
}

static void push_xml(lua_State *L, int index, bool pretty)
{
  xmlNodePtr node = gl_element_node(L, index);
  gl_document *d = ((gl_element *)lua_touserdata(L, index))->document;
  xmlDocPtr alone = NULL;
  if (node != xmlDocGetRootElement(d->doc)) {
    /* The copy declares the namespaces that the node inherits from its parents. */
    alone = gl_xml_copy(node);
    node = alone ? xmlDocGetRootElement(alone) : NULL;
  }
  xmlBufferPtr buffer = xmlBufferCreate();
  int length = buffer && node ? xmlNodeDump(buffer, alone ? alone : d->doc, node, 0, pretty) : -1;
  xmlFreeDoc(alone);
  gl_element_push_buffer(L, buffer, length);
}

void gl_element_push_xml(lua_State *L, int index)
{
  gl_element_node(L, index); /* raises if it is closed */
  push_xml(L, index, ((gl_element *)lua_touserdata(L, index))->document->built);
}
