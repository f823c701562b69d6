/*
 * Element: Lua's view of an XML element.
 *
 * Elements of one document share it: each counts it, and what is taken out of it is freed with it, so that no Element ever points to a node
 * that is gone. What the script does not touch is printed as it was read, unknown elements, namespaces and comments included.
 */
#include "element/element.h"

#include <lauxlib.h>
#include <libxml/tree.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "call/class.h"
#include "call/op.h"
#include "element/build.h"
#include "loop/sandbox.h"
#include "text/mask.h"
#include "text/xml.h"

typedef struct document {
  xmlDocPtr doc;
  xmlNodePtr removed; /* what was taken out, linked by next */
  int refs;
  bool built; /* from a table: printed with indentation */
  gl_state *state;
  size_t size; /* counted in state->xml_size */
} document;

typedef struct element {
  gl_object object;
  document *document; /* counted */
  xmlNodePtr node;
} element;

/* What a document takes besides its text, counted as so many bytes of text. */
#define WEIGHT_OF_DOCUMENT 64

static _Noreturn void out_of_memory(lua_State *L)
{
  luaL_error(L, "guestlua: out of memory");
  __builtin_unreachable();
}

static void element_close(gl_object *o)
{
  document *d = ((element *)o)->document;
  if (!d || --d->refs)
    return;
  d->state->xml_size -= d->size;
  xmlFreeNodeList(d->removed);
  xmlFreeDoc(d->doc);
  free(d);
}

static element *push_empty(lua_State *L)
{
  element *e = gl_object_new(L, &gl_element_class, sizeof *e, 0);
  e->object.closed = false;
  return e;
}

/* Pushes an Element that stands for a node of the document. [-0, +1, e] */
static int push_node(lua_State *L, document *d, xmlNodePtr node)
{
  element *e = push_empty(L);
  d->refs++;
  e->document = d;
  e->node = node;
  return 1;
}

/* Pushes an Element with a document of its own and no node yet. [-0, +1, e] */
static element *push_document(lua_State *L)
{
  element *e = push_empty(L);
  e->document = calloc(1, sizeof *e->document);
  if (!e->document)
    out_of_memory(L);
  e->document->refs = 1;
  e->document->state = gl_state_get(L);
  return e;
}

/* To Lua an Element is some bytes, whatever the size of its document. So that a script that makes one after the other does not fill the
 * memory before Lua thinks of collecting, that is done when the documents' texts have grown to twice what was in use the last time. */
static void set_document(lua_State *L, element *e, xmlDocPtr doc, xmlNodePtr node)
{
  enum { ALWAYS_ALLOWED = 2 << 20 };
  gl_state *s = e->document->state;
  e->document->doc = doc;
  doc->_private = (char *)doc->_private + WEIGHT_OF_DOCUMENT;
  e->document->size = (size_t)doc->_private;
  e->node = node;
  s->xml_size += e->document->size;
  if (s->xml_size > s->xml_limit && lua_gc(L, LUA_GCISRUNNING)) {
    lua_gc(L, LUA_GCCOLLECT);
    s->xml_limit = s->xml_size < ALWAYS_ALLOWED / 2 ? ALWAYS_ALLOWED : 2 * s->xml_size;
  }
}

xmlNodePtr gl_element_node(lua_State *L, int index)
{
  element *e = (element *)gl_object_test(L, index, &gl_element_class);
  if (e && e->object.closed)
    gl_error_throw(L, "closed", "this Element is closed");
  return e ? e->node : NULL;
}

void gl_element_push(lua_State *L, xmlDocPtr *doc, xmlNodePtr node)
{
  element *e = push_document(L);
  xmlDocPtr taken = *doc;
  *doc = NULL;
  set_document(L, e, taken, node);
}

void gl_element_push_other(lua_State *L, int index, xmlNodePtr node)
{
  push_node(L, ((element *)lua_touserdata(L, index))->document, node);
}

static element *check(lua_State *L, const char *method)
{
  return gl_object_check(L, 1, &gl_element_class, method);
}

bool gl_element_test(lua_State *L, int index)
{
  return gl_object_test(L, index, &gl_element_class);
}

/* ---- text and names ---- */

static void push_xml_string(lua_State *L, xmlChar *text)
{
  lua_pushstring(L, (const char *)text);
  xmlFree(text);
}

/* Pushes the text directly inside the element, of its text and CDATA children: "" where there is none. */
static void push_text(lua_State *L, xmlNodePtr node)
{
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (xmlNodePtr n = node->children; n; n = n->next)
    if (n->type == XML_TEXT_NODE || n->type == XML_CDATA_SECTION_NODE)
      luaL_addstring(&b, (const char *)n->content);
  luaL_pushresult(&b);
}

static void take_out(document *d, xmlNodePtr node)
{
  xmlUnlinkNode(node);
  node->next = d->removed;
  d->removed = node;
}

/* What the document has grown by counts. */
static void sync_size(document *d)
{
  size_t size = (size_t)d->doc->_private;
  d->state->xml_size += size - d->size;
  d->size = size;
}

static void set_text(document *d, xmlNodePtr node, const xmlChar *text)
{
  for (xmlNodePtr n = node->children, next; n; n = next) {
    next = n->next;
    if (n->type == XML_TEXT_NODE || n->type == XML_CDATA_SECTION_NODE)
      take_out(d, n);
  }
  xmlNodePtr added = *text ? xmlNewDocText(d->doc, text) : NULL;
  if (!added)
    return;
  if (node->children)
    xmlAddPrevSibling(node->children, added);
  else
    xmlAddChild(node, added);
}

/* ---- making one ---- */

static void push_parsed(lua_State *L, const char *text, size_t length)
{
  char message[256];
  element *e = push_document(L);
  gl_sandbox_check_xml(L, e->document->state, length);
  xmlDocPtr doc = gl_xml_parse(text, length, message, sizeof message);
  if (!doc)
    gl_error_throw(L, "xml_error", "not XML: %s", message);
  set_document(L, e, doc, xmlDocGetRootElement(doc));
}

void gl_element_push_text(lua_State *L, const char *text)
{
  push_parsed(L, text, strlen(text));
}

/* guestlua.element(name, table) or (xml) */
static int element_new(lua_State *L)
{
  if (lua_gettop(L) < 2 || lua_isnil(L, 2)) {
    size_t length;
    const char *text = lua_tolstring(L, 1, &length);
    push_parsed(L, text, length);
    return 1;
  }
  if (!lua_istable(L, 2))
    gl_error_argument(L, "element", "fields", "table expected, got %s", luaL_typename(L, 2));
  const xmlChar *name = gl_xml_check_name(L, 1);
  lua_settop(L, 2);
  element *e = push_document(L);
  document *d = e->document;
  d->built = true;
  d->doc = gl_xml_new();
  e->node = d->doc ? xmlNewDocNode(d->doc, NULL, name, NULL) : NULL;
  if (!e->node)
    out_of_memory(L);
  xmlDocSetRootElement(d->doc, e->node);
  gl_element_build(L, e->node, 2, 0);
  sync_size(d);
  return 1;
}
static const gl_param element_params[] = {
  GL_ARG_HERE("name", GL_STRING, true, "the element's name, or XML text"),
  GL_ARG_HERE("fields", GL_ANY, false, "the table; nil: `name` is XML text"),
  GL_END,
};
const gl_opdef gl_element_make = {
  .name = "element",
  .help = "Makes an Element: of XML text, or of a name and a table. In the table scalars are attributes, tables (and Elements) are child "
          "elements, a list repeats the element, and [1] is the text.",
  .returns = "Element",
  .params = element_params,
  .invoke = element_new,
};

/* ---- reading and changing ---- */

/* self.key: an attribute's value, else the first child element of the name; self[1]: the text. Methods come before both. */
static int element_index(lua_State *L)
{
  element *e = check(L, "index");
  if (lua_isinteger(L, 2) && lua_tointeger(L, 2) == 1) {
    push_text(L, e->node);
    return 1;
  }
  if (lua_type(L, 2) != LUA_TSTRING) {
    lua_pushnil(L);
    return 1;
  }
  xmlChar *value = xmlGetNoNsProp(e->node, (const xmlChar *)lua_tostring(L, 2));
  if (value) {
    push_xml_string(L, value);
    return 1;
  }
  xmlNodePtr child = gl_xml_child(e->node, lua_tostring(L, 2));
  if (child)
    return push_node(L, e->document, child);
  lua_pushnil(L);
  return 1;
}

static void remove_children(document *d, xmlNodePtr from, const char *name)
{
  for (xmlNodePtr n = gl_xml_element(from, name), next; n; n = next) {
    next = gl_xml_element(n->next, name);
    take_out(d, n);
  }
}

/* Puts elements made of the value at index where the child elements of the name are, from `first` on. They are made apart, so that an error
 * leaves everything as it was, and parked with what was taken out meanwhile: the document frees them. */
static void replace_children(lua_State *L, element *e, xmlNodePtr first, const xmlChar *name, int index)
{
  document *d = e->document;
  xmlNodePtr made = xmlNewDocNode(d->doc, NULL, (const xmlChar *)"made", NULL);
  if (!made)
    out_of_memory(L);
  take_out(d, made);
  gl_element_add_children(L, made, name, index, gl_xml_depth(e->node) + 1);
  for (xmlNodePtr n = made->children, next; n; n = next) {
    next = n->next;
    xmlUnlinkNode(n);
    if (first)
      xmlAddPrevSibling(first, n);
    else
      xmlAddChild(e->node, n);
  }
  remove_children(d, first, (const char *)name);
}

/* The mirror image of reading: a scalar goes to the attribute, or to the text of the child element where there is such a child and no such
 * attribute; a table or an Element takes the place of all child elements of the name; nil takes away what reading would find. */
static void assign(lua_State *L, element *e)
{
  document *d = e->document;
  if (lua_isinteger(L, 2) && lua_tointeger(L, 2) == 1) {
    const xmlChar *text = gl_xml_check_text(L, 3, "1");
    gl_element_grow(L, d->doc, (size_t)xmlStrlen(text));
    set_text(d, e->node, text);
    return;
  }
  const xmlChar *name = gl_xml_check_name(L, 2);
  xmlAttrPtr attribute = xmlHasNsProp(e->node, name, NULL);
  xmlNodePtr child = gl_xml_child(e->node, (const char *)name);
  if (lua_isnil(L, 3)) {
    if (attribute)
      xmlRemoveProp(attribute);
    else
      remove_children(d, child, (const char *)name);
  } else if (lua_istable(L, 3) || gl_element_test(L, 3)) {
    replace_children(L, e, child, name, 3);
  } else if (attribute || !child) {
    gl_element_set_attribute(L, e->node, name, 3);
  } else {
    const xmlChar *text = gl_xml_check_text(L, 3, (const char *)name);
    gl_element_grow(L, d->doc, (size_t)xmlStrlen(text));
    set_text(d, child, text);
  }
}

static int element_newindex(lua_State *L)
{
  element *e = check(L, "newindex");
  lua_settop(L, 3);
  assign(L, e);
  sync_size(e->document);
  return 0;
}

void gl_element_push_xml(lua_State *L, int index)
{
  xmlNodePtr node = gl_element_node(L, index);
  document *d = ((element *)lua_touserdata(L, index))->document;
  xmlDocPtr alone = NULL;
  if (node != xmlDocGetRootElement(d->doc)) {
    /* The copy declares the namespaces that the node has from its parents. */
    alone = gl_xml_copy(node);
    node = alone ? xmlDocGetRootElement(alone) : NULL;
  }
  xmlBufferPtr buffer = xmlBufferCreate();
  int length = buffer && node ? xmlNodeDump(buffer, alone ? alone : d->doc, node, 0, d->built) : -1;
  if (length >= 0)
    lua_pushlstring(L, (const char *)xmlBufferContent(buffer), (size_t)xmlBufferLength(buffer));
  xmlBufferFree(buffer);
  xmlFreeDoc(alone);
  if (length < 0)
    out_of_memory(L);
}

static int element_tostring(lua_State *L)
{
  element *e = (element *)gl_object_test(L, 1, &gl_element_class);
  if (!e || e->object.closed)
    lua_pushliteral(L, "<Element (closed)>");
  else
    gl_element_push_xml(L, 1);
  return 1;
}

/* ---- methods ---- */

static const gl_param name_params[] = {GL_ARG_HERE("name", GL_STRING, true, "the name"), GL_END};
static const gl_param any_name_params[] = {GL_ARG_HERE("name", GL_STRING, false, "the name; nil: any"), GL_END};

static int element_tag(lua_State *L)
{
  lua_pushstring(L, (const char *)check(L, "tag")->node->name);
  return 1;
}
static const gl_opdef tag_def = {.name = "tag", .help = "The element's own name.", .returns = "string", .invoke = element_tag};

static int element_attribute(lua_State *L)
{
  element *e = check(L, "attribute");
  push_xml_string(L, xmlGetNoNsProp(e->node, (const xmlChar *)lua_tostring(L, 2)));
  return 1;
}
static const gl_opdef attribute_def = {
  .name = "attribute",
  .help = "The attribute of that name, also where a method or a child element has the name.",
  .returns = "string, or nil",
  .params = name_params,
  .invoke = element_attribute,
};

static int element_child(lua_State *L)
{
  element *e = check(L, "child");
  xmlNodePtr child = gl_xml_child(e->node, lua_tostring(L, 2));
  return child ? push_node(L, e->document, child) : (lua_pushnil(L), 1);
}
static const gl_opdef child_def = {
  .name = "child",
  .help = "The first child element of that name, also where a method or an attribute has the name.",
  .returns = "Element, or nil",
  .params = name_params,
  .invoke = element_child,
};

static int element_children(lua_State *L)
{
  element *e = check(L, "children");
  const char *name = lua_tostring(L, 2);
  lua_newtable(L);
  lua_Integer count = 0;
  for (xmlNodePtr n = gl_xml_child(e->node, name); n; n = gl_xml_element(n->next, name)) {
    push_node(L, e->document, n);
    lua_rawseti(L, -2, ++count);
  }
  return 1;
}
static const gl_opdef children_def = {
  .name = "children",
  .help = "The child elements, or those of that name, in document order.",
  .returns = "a list of Element",
  .params = any_name_params,
  .invoke = element_children,
};

static int element_append(lua_State *L)
{
  element *e = check(L, "append");
  xmlNodePtr added = gl_element_node(L, 2);
  if (!added)
    gl_error_argument(L, "append", "child", "Element expected, got %s", luaL_typename(L, 2));
  gl_element_check_depth(L, added, gl_xml_depth(e->node) + 1);
  gl_element_grow(L, e->document->doc, gl_element_weight(added));
  xmlNodePtr copy = xmlDocCopyNode(added, e->document->doc, 1);
  if (!copy)
    out_of_memory(L);
  xmlAddChild(e->node, copy);
  sync_size(e->document);
  return push_node(L, e->document, copy);
}
static const gl_param append_params[] = {GL_ARG_HERE("child", GL_ANY, true, "the Element to copy"), GL_END};
static const gl_opdef append_def = {
  .name = "append",
  .help = "Adds a copy of another Element as the last child; those of the same name stay, other than with an assignment.",
  .returns = "the copy, an Element",
  .params = append_params,
  .invoke = element_append,
};

static int element_remove(lua_State *L)
{
  element *e = check(L, "remove");
  if (e->node->parent && e->node->parent->type == XML_ELEMENT_NODE)
    take_out(e->document, e->node);
  return 0;
}
static const gl_opdef remove_def = {
  .name = "remove",
  .help = "Takes the element out of its parent; it can still be read and printed. Harmless for one that has no parent.",
  .invoke = element_remove,
};

/* The text is checked, not the nodes: other tasks may change those while a worker reads. */
typedef struct validate_op {
  gl_op op;
  const char *text;
  char message[512];
} validate_op;

static void element_bind(lua_State *L, gl_object *self, gl_op *op)
{
  (void)self;
  gl_element_push_xml(L, 1);
  ((validate_op *)op)->text = gl_op_keep(L, op, lua_tostring(L, -1));
  lua_pop(L, 1);
}

static int validate_run(gl_op *op)
{
  validate_op *self = (validate_op *)op;
  xmlDocPtr doc = gl_xml_parse(self->text, strlen(self->text), self->message, sizeof self->message);
  if (!doc)
    return 1;
  int rc = gl_xml_validate(doc, self->message, sizeof self->message);
  xmlFreeDoc(doc);
  char *masked = rc ? gl_mask_values_of(strdup(self->message), self->text) : NULL;
  if (masked)
    snprintf(self->message, sizeof self->message, "%s", masked);
  free(masked);
  return rc ? 1 : 0;
}

static int validate_push(lua_State *L, gl_op *op)
{
  if (op->rc)
    gl_error_throw(L, "invalid_xml", "not valid: %s", ((validate_op *)op)->message);
  lua_pushboolean(L, 1);
  return 1;
}
static const gl_opdef validate_def = {
  .name = "validate",
  .help = "Checks the element against the schema that libvirt installs for it: whole documents of libvirt's, and devices. Raises an error "
          "of kind "
          "\"invalid_xml\" that names the line and the element.",
  .returns = "true",
  .size = sizeof(validate_op),
  .run = validate_run,
  .push = validate_push,
};

static const gl_opdef *const methods[] = {&validate_def, &tag_def,    &attribute_def, &child_def,
                                          &children_def, &append_def, &remove_def,    NULL};

static const gl_opdef *const *const ops[] = {methods, NULL};

const gl_class gl_element_class = {
  .name = "Element",
  .help = "An XML element. element.x is the attribute x, or else the first child element x; element[1] is the text; methods come before "
          "both, "
          "and attribute(name) and child(name) reach what a method hides. Assigning works the same way. tostring(element) is the XML.",
  .ops = ops,
  .bind = element_bind,
  .close = element_close,
  .tostring = element_tostring,
  .index = element_index,
  .newindex = element_newindex,
};
