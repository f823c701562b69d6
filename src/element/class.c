#include "element/class.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "element/access.h"
#include "element/build.h"
#include "element/name.h"
#include "element/node.h"
#include "element/text.h"
#include "text/xml.h"

/* guestlua.element(name, table) or (xml) */
static int element_new(lua_State *L, gl_args *args)
{
  (void)args;
  if (lua_gettop(L) < 2 || lua_isnil(L, 2)) {
    size_t length;
    const char *text = lua_tolstring(L, 1, &length);
    gl_element_push_parsed(L, text, length);
    return 1;
  }
  if (!lua_istable(L, 2))
    gl_error_argument(L, "element", "fields", "table expected, got %s", gl_error_type_name(L, 2));
  const xmlChar *name = gl_name_check(L, 1);
  lua_settop(L, 2);
  gl_element *e = gl_element_push_document(L);
  gl_document *d = e->document;
  d->built = true;
  d->doc = gl_xml_new();
  e->node = d->doc ? xmlNewDocNode(d->doc, NULL, gl_name_local(name), NULL) : NULL;
  if (!e->node)
    gl_element_no_memory(L);
  xmlDocSetRootElement(d->doc, e->node);
  gl_element_set_namespace(L, e->node, name, 2);
  gl_element_build(L, e->node, 2, 0);
  gl_element_sync_size(d);
  return 1;
}
static const gl_param element_params[] = {
  GL_ARG_HERE("name", &gl_string, true, "the element's name, or XML text"),
  GL_ARG_HERE("fields", &gl_any, false, "the table; nil: `name` is XML text"),
  GL_END,
};
const gl_opdef gl_element_make = {
  .name = "element",
  .help = "Makes an Element: of XML text, or of a name and a table. In the table scalars are attributes, tables (and Elements) are child "
          "elements, a list repeats the element, and [1] is the text.",
  .result = {"Element"},
  .params = element_params,
  .invoke = element_new,
};

static gl_element *check(lua_State *L, const char *method)
{
  return gl_object_check(L, 1, &gl_element_type, method);
}

static int element_tostring(lua_State *L)
{
  gl_element *e = (gl_element *)gl_object_test(L, 1, &gl_element_type);
  if (!e || e->object.closed)
    lua_pushliteral(L, "<Element (closed)>");
  else
    gl_element_push_xml(L, 1);
  return 1;
}

/* ---- methods ---- */

static const gl_param name_params[] = {GL_ARG_HERE("name", &gl_string, true, "the name"), GL_END};
static const gl_param any_name_params[] = {GL_ARG_HERE("name", &gl_string, false, "the name; nil: any"), GL_END};

static int element_tag(lua_State *L, gl_args *args)
{
  (void)args;
  lua_pushstring(L, (const char *)check(L, "tag")->node->name);
  return 1;
}
static const gl_opdef tag_def = {.name = "tag", .help = "The element's own name.", .result = {"string"}, .invoke = element_tag};

static int element_attribute(lua_State *L, gl_args *args)
{
  (void)args;
  gl_element *e = check(L, "attribute");
  if (!gl_element_push_attribute(L, e->node, (const xmlChar *)lua_tostring(L, 2)))
    lua_pushnil(L);
  return 1;
}
static const gl_opdef attribute_def = {
  .name = "attribute",
  .help = "The attribute of that name, even if a method or a child element has the same name.",
  .result = {"string?"},
  .params = name_params,
  .invoke = element_attribute,
};

static int element_child(lua_State *L, gl_args *args)
{
  (void)args;
  gl_element *e = check(L, "child");
  xmlNodePtr child = gl_xml_child(e->node, lua_tostring(L, 2));
  return child ? gl_element_push_node(L, e->document, child) : (lua_pushnil(L), 1);
}
static const gl_opdef child_def = {
  .name = "child",
  .help = "The first child element of that name, even if a method or an attribute has the same name.",
  .result = {"Element?"},
  .params = name_params,
  .invoke = element_child,
};

static int element_children(lua_State *L, gl_args *args)
{
  (void)args;
  gl_element *e = check(L, "children");
  const char *name = lua_tostring(L, 2);
  lua_newtable(L);
  lua_Integer count = 0;
  for (xmlNodePtr n = gl_xml_child(e->node, name); n; n = gl_xml_element(n->next, name)) {
    gl_element_push_node(L, e->document, n);
    lua_rawseti(L, -2, ++count);
  }
  return 1;
}
static const gl_opdef children_def = {
  .name = "children",
  .help = "The child elements, or those of that name, in document order.",
  .result = {"Element[]"},
  .params = any_name_params,
  .invoke = element_children,
};

/* Protected. */
static int push_attributes(lua_State *L)
{
  xmlNodePtr node = lua_touserdata(L, 1);
  lua_newtable(L);
  for (xmlAttrPtr a = node->properties; a; a = a->next) {
    if (a->ns && a->ns->prefix)
      lua_pushfstring(L, "%s:%s", (const char *)a->ns->prefix, (const char *)a->name);
    else
      lua_pushstring(L, (const char *)a->name);
    gl_element_push_xml_string(L, xmlNodeGetContent((xmlNodePtr)a));
    lua_rawset(L, -3);
  }
  return 1;
}

static int element_attributes(lua_State *L, gl_args *args)
{
  (void)args;
  gl_element *e = check(L, "attributes");
  bool collects = lua_gc(L, LUA_GCISRUNNING);
  lua_gc(L, LUA_GCSTOP); /* a finalizer may remove the attribute that is being read, which frees it */
  lua_pushcfunction(L, push_attributes);
  lua_pushlightuserdata(L, e->node);
  int status = lua_pcall(L, 1, 1, 0);
  if (collects)
    lua_gc(L, LUA_GCRESTART);
  return status == LUA_OK ? 1 : lua_error(L);
}
static const gl_opdef attributes_def = {
  .name = "attributes",
  .help = "All its attributes; an attribute with a prefix is under \"prefix:name\".",
  .result = {"table<string,string>"},
  .returns = "a table from name to value",
  .invoke = element_attributes,
};

static int element_pretty(lua_State *L, gl_args *args)
{
  (void)args;
  gl_element *e = check(L, "pretty");
  xmlDocPtr copy = gl_xml_copy(e->node);
  xmlBufferPtr buffer = copy ? xmlBufferCreate() : NULL;
  if (copy)
    gl_xml_strip(xmlDocGetRootElement(copy));
  int length = buffer ? xmlNodeDump(buffer, copy, xmlDocGetRootElement(copy), 0, 1) : -1;
  xmlFreeDoc(copy);
  gl_element_push_buffer(L, buffer, length);
  return 1;
}
static const gl_opdef pretty_def = {
  .name = "pretty",
  .help = "The XML with each element on its own line, indented, however it was written. tostring(element) prints it as it was read.",
  .result = {"string"},
  .returns = "string: XML",
  .invoke = element_pretty,
};

static int element_append(lua_State *L, gl_args *args)
{
  (void)args;
  gl_element *e = check(L, "append");
  xmlNodePtr added = gl_element_node(L, 2);
  if (!added)
    gl_error_argument(L, "append", "child", "Element expected, got %s", gl_error_type_name(L, 2));
  gl_element_check_depth(L, added, gl_xml_depth(e->node) + 1);
  gl_element_grow(L, e->document->doc, gl_element_weight(added));
  xmlNodePtr copy = xmlDocCopyNode(added, e->document->doc, 1);
  if (!copy)
    gl_element_no_memory(L);
  xmlAddChild(e->node, copy);
  gl_name_adopt(copy, e->node->ns);
  gl_element_sync_size(e->document);
  return gl_element_push_node(L, e->document, copy);
}
static const gl_param append_params[] = {GL_ARG_HERE("child", &gl_any, true, "the Element to copy"), GL_END};
static const gl_opdef append_def = {
  .name = "append",
  .help = "Adds a copy of another Element as the last child. Unlike an assignment, it keeps elements of the same name.",
  .result = {"Element"},
  .returns = "the copy, an Element",
  .params = append_params,
  .invoke = element_append,
};

static int element_remove(lua_State *L, gl_args *args)
{
  (void)args;
  gl_element *e = check(L, "remove");
  if (e->node->parent && e->node->parent->type == XML_ELEMENT_NODE)
    gl_element_take_out(e->document, e->node);
  return 0;
}
static const gl_opdef remove_def = {
  .name = "remove",
  .help = "Removes the element from its parent; it can still be read and printed. Harmless if it has no parent.",
  .invoke = element_remove,
};

/* The text is checked, not the nodes: other tasks may change those while a worker reads. */
typedef struct validate_op {
  gl_op op;
  const char *text;
  char message[512];
} validate_op;

static void validate_check(lua_State *L, gl_op *op)
{
  gl_element_push_xml(L, 1);
  ((validate_op *)op)->text = gl_arena_keep(L, &op->args.arena, lua_tostring(L, -1));
  lua_pop(L, 1);
}

static int validate_run(gl_op *op)
{
  validate_op *self = (validate_op *)op;
  return gl_xml_validate_text(self->text, self->message, sizeof self->message) ? 1 : 0;
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
  .help = "Checks the element against libvirt's installed schema: whole libvirt documents, and devices. Raises an error "
          "of kind \"invalid_xml\" that names the line and the element.",
  .result = {"true"},
  .size = sizeof(validate_op),
  .check = validate_check,
  .run = validate_run,
  .push = validate_push,
};

static const gl_opdef *const methods[] = {&validate_def, &tag_def,    &attribute_def, &attributes_def, &child_def,
                                          &children_def, &append_def, &remove_def,    &pretty_def,     NULL};

static const gl_opdef *const *const ops[] = {methods, NULL};

const gl_class gl_element_class = {
  .type = &gl_element_type,
  .help = "An XML element. element.x is the attribute x, or else the first child element x; element[1] is the text; methods come before "
          "both, and attribute(name) and child(name) reach what a method hides. Assigning works the same way. tostring(element) is the "
          "XML.",
  .ops = ops,
  .tostring = element_tostring,
  .index = gl_element_index,
  .newindex = gl_element_newindex,
};
