#include "text/xml.h"

#include <libxml/chvalid.h>
#include <libxml/parser.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* libxml2 holds every document in UTF-8. If a document's encoding is not set, it prints attributes as references, as in &#xE9;. */
static void set_utf8(xmlDocPtr doc)
{
  xmlFree((void *)doc->encoding);
  doc->encoding = xmlStrdup((const xmlChar *)"UTF-8");
}

xmlDocPtr gl_xml_new(void)
{
  xmlDocPtr doc = xmlNewDoc((const xmlChar *)"1.0");
  if (doc)
    set_utf8(doc);
  return doc;
}

xmlDocPtr gl_xml_copy(xmlNodePtr element)
{
  xmlDocPtr doc = gl_xml_new();
  xmlNodePtr copy = doc ? xmlDocCopyNode(element, doc, 1) : NULL;
  if (!copy) {
    xmlFreeDoc(doc);
    return NULL;
  }
  xmlDocSetRootElement(doc, copy);
  return doc;
}

static void say_nothing(void *data, const char *format, ...)
{
  (void)data;
  (void)format;
}

/* What libxml2 would not print so that it can be read again. */
static bool is_namespace(const xmlChar *uri)
{
  return !uri || !uri[strcspn((const char *)uri, "<\t\n\r")];
}

bool gl_xml_is_namespace(const xmlChar *uri)
{
  return *uri && !xmlStrchr(uri, '&') && is_namespace(uri);
}

static bool has_namespaces(xmlNodePtr node)
{
  bool good = true;
  for (xmlNsPtr ns = node->nsDef; ns && good; ns = ns->next)
    good = is_namespace(ns->href);
  for (xmlNodePtr child = gl_xml_child(node, NULL); child && good; child = gl_xml_element(child->next, NULL))
    good = has_namespaces(child);
  return good;
}

/* The document of so many bytes, if it is one that is accepted; or NULL, and it is freed. */
static xmlDocPtr accepted(xmlDocPtr doc, size_t length, char *message, size_t message_size)
{
  const char *why = doc->intSubset                               ? "a document type declaration is not allowed here"
                    : !has_namespaces(xmlDocGetRootElement(doc)) ? "a namespace cannot have a '<' or a line feed in it"
                                                                 : NULL;
  if (why) {
    snprintf(message, message_size, "line 1: %s", why);
    xmlFreeDoc(doc);
    return NULL;
  }
  set_utf8(doc);
  doc->_private = (void *)length; /* NOLINT */
  return doc;
}

/* COMPACT: a text of up to 15 bytes is in its node, and needs no memory of its own. Most texts and attributes are that short. */
enum { OPTIONS = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_COMPACT };

/* Some complaints bypass XML_PARSE_NOERROR and reach the thread's own handler, which prints them. */
typedef struct quiet {
  xmlGenericErrorFunc handler;
  void *data;
} quiet;

static quiet begin_quiet(void)
{
  quiet before = {xmlGenericError, xmlGenericErrorContext};
  xmlSetGenericErrorFunc(NULL, say_nothing);
  return before;
}

static void end_quiet(quiet before)
{
  xmlSetGenericErrorFunc(before.data, before.handler);
}

xmlDocPtr gl_xml_parse(const char *text, size_t length, char *message, size_t message_size)
{
  if (length > GL_XML_MAX_SIZE) {
    snprintf(message, message_size, "the document is larger than %d bytes", GL_XML_MAX_SIZE);
    return NULL;
  }
  xmlParserCtxtPtr ctxt = xmlNewParserCtxt();
  if (!ctxt) {
    snprintf(message, message_size, "out of memory");
    return NULL;
  }
  quiet before = begin_quiet();
  xmlDocPtr doc = xmlCtxtReadMemory(ctxt, text, (int)length, NULL, NULL, OPTIONS);
  end_quiet(before);
  if (doc) {
    doc = accepted(doc, length, message, message_size);
  } else {
    const xmlError *e = xmlCtxtGetLastError(ctxt);
    const char *why = e && e->message ? e->message : "not a document";
    snprintf(message, message_size, "line %d: %.*s", e ? e->line : 1, (int)strcspn(why, "\n"), why);
  }
  xmlFreeParserCtxt(ctxt);
  return doc;
}

int gl_xml_is_text(const char *text, size_t length)
{
  for (const char *end = text + length; text < end;) {
    int size = end - text < 4 ? (int)(end - text) : 4;
    int c = (*text & 0xC0) == 0x80 ? -1 : xmlGetUTF8Char((const unsigned char *)text, &size); /* it accepts any first byte */
    if (c < 0 || !xmlIsCharQ((unsigned)c) || size != (c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4))
      return 0;
    text += size;
  }
  return 1;
}

void gl_xml_strip(xmlNodePtr element)
{
  bool has_text = false;
  for (xmlNodePtr n = element->children; n; n = n->next)
    has_text = has_text || (n->type != XML_ELEMENT_NODE && n->type != XML_COMMENT_NODE && !xmlIsBlankNode(n));
  if (has_text || !gl_xml_child(element, NULL))
    return;
  for (xmlNodePtr n = element->children, next; n; n = next) {
    next = n->next;
    if (n->type == XML_ELEMENT_NODE) {
      gl_xml_strip(n);
    } else if (n->type != XML_COMMENT_NODE) {
      xmlUnlinkNode(n);
      xmlFreeNode(n);
    }
  }
}

int gl_xml_depth(xmlNodePtr element)
{
  int depth = 0;
  while ((element = element->parent) && element->type == XML_ELEMENT_NODE)
    depth++;
  return depth;
}

int gl_xml_height(xmlNodePtr element)
{
  int height = 0;
  for (xmlNodePtr child = gl_xml_child(element, NULL); child; child = gl_xml_element(child->next, NULL)) {
    int own = 1 + gl_xml_height(child);
    height = own > height ? own : height;
  }
  return height;
}

static int has_name(const xmlChar *local, xmlNsPtr ns, const char *name)
{
  const char *colon = strchr(name, ':');
  if (!ns) /* if its prefix is declared nowhere, libxml2 takes it for a part of the name */
    return strcmp((const char *)local, name) == 0;
  const char *prefix = ns->prefix ? (const char *)ns->prefix : "";
  return colon && strcmp((const char *)local, colon + 1) == 0 && strlen(prefix) == (size_t)(colon - name) &&
         strncmp(prefix, name, (size_t)(colon - name)) == 0;
}

/* The namespace that the name's prefix stands for at the node, or NULL. */
static const xmlChar *namespace_of(xmlNodePtr node, const char *name)
{
  const char *colon = strchr(name, ':');
  xmlChar *prefix = colon ? xmlStrndup((const xmlChar *)name, (int)(colon - name)) : NULL;
  xmlNsPtr ns = prefix ? xmlSearchNs(node->doc, node, prefix) : NULL;
  xmlFree(prefix);
  return ns ? ns->href : NULL;
}

int gl_xml_element_is(xmlNodePtr element, const char *name)
{
  if (strcmp((const char *)element->name, name) == 0 || has_name(element->name, element->ns, name))
    return 1;
  const char *colon = strchr(name, ':');
  return colon && element->ns && strcmp((const char *)element->name, colon + 1) == 0 &&
         xmlStrEqual(element->ns->href, namespace_of(element, name));
}

xmlAttrPtr gl_xml_attribute(xmlNodePtr element, const xmlChar *name)
{
  const char *colon = strchr((const char *)name, ':');
  if (!colon)
    return xmlHasNsProp(element, name, NULL);
  for (xmlAttrPtr a = element->properties; a; a = a->next)
    if (has_name(a->name, a->ns, (const char *)name))
      return a;
  const xmlChar *uri = namespace_of(element, (const char *)name);
  return uri ? xmlHasNsProp(element, (const xmlChar *)colon + 1, uri) : NULL;
}

static bool is_declared_within(xmlNsPtr ns, xmlNodePtr from, xmlNodePtr top)
{
  for (xmlNodePtr node = from;; node = node->parent) {
    for (xmlNsPtr own = node->nsDef; own; own = own->next)
      if (own == ns)
        return true;
    if (node == top)
      return false;
  }
}

/* What stands for the namespace at the top itself. */
static xmlNsPtr declared_at(xmlNodePtr top, xmlNsPtr ns)
{
  for (xmlNsPtr own = top->nsDef; own; own = own->next)
    if (xmlStrEqual(own->prefix, ns->prefix) && xmlStrEqual(own->href, ns->href))
      return own;
  return xmlNewNs(top, ns->href, ns->prefix);
}

/* scope: the element with the declarations; NULL: whatever is above the top. */
static xmlNsPtr taken_along(xmlNsPtr ns, xmlNodePtr node, xmlNodePtr top, xmlNodePtr scope)
{
  if (!ns || xmlStrEqual(ns->prefix, (const xmlChar *)"xml"))
    return ns;
  bool stays = scope ? !is_declared_within(ns, scope, scope) : is_declared_within(ns, node, top);
  xmlNsPtr own = stays ? ns : declared_at(top, ns);
  return own ? own : ns;
}

static void take_along(xmlNodePtr node, xmlNodePtr top, xmlNodePtr scope)
{
  node->ns = taken_along(node->ns, node, top, scope);
  for (xmlAttrPtr a = node->properties; a; a = a->next)
    a->ns = taken_along(a->ns, node, top, scope);
  for (xmlNodePtr child = gl_xml_child(node, NULL); child; child = gl_xml_element(child->next, NULL))
    take_along(child, top, scope);
}

bool gl_xml_uses(xmlNodePtr node, xmlNsPtr ns)
{
  bool used = node->ns == ns;
  for (xmlAttrPtr a = node->properties; a && !used; a = a->next)
    used = a->ns == ns;
  for (xmlNodePtr child = gl_xml_child(node, NULL); child && !used; child = gl_xml_element(child->next, NULL))
    used = gl_xml_uses(child, ns);
  return used;
}

void gl_xml_take_namespaces_along(xmlNodePtr element, xmlNodePtr scope)
{
  take_along(element, element, scope);
}

xmlNodePtr gl_xml_element(xmlNodePtr node, const char *name)
{
  for (; node; node = node->next)
    if (node->type == XML_ELEMENT_NODE && (!name || gl_xml_element_is(node, name)))
      return node;
  return NULL;
}

xmlNodePtr gl_xml_child(xmlNodePtr parent, const char *name)
{
  return parent ? gl_xml_element(parent->children, name) : NULL;
}

int gl_xml_attribute_is(xmlNodePtr element, const char *name, const char *value)
{
  if (!element)
    return 0;
  xmlChar *found = xmlGetNoNsProp(element, (const xmlChar *)name);
  int same = found && strcmp((const char *)found, value) == 0;
  xmlFree(found);
  return same;
}

static const char *const disk_names[][2] = {{"target", "dev"}, {"source", "file"}};

static bool disk_has_name(xmlNodePtr disk, const char *const *name, const char *device)
{
  for (xmlNodePtr child = gl_xml_child(disk, name[0]); child; child = gl_xml_element(child->next, name[0]))
    if (gl_xml_attribute_is(child, name[1], device))
      return true;
  return false;
}

xmlNodePtr gl_xml_disk(xmlDocPtr domain, const char *device)
{
  xmlNodePtr devices = gl_xml_child(xmlDocGetRootElement(domain), "devices");
  for (size_t i = 0; i < sizeof disk_names / sizeof *disk_names; i++)
    for (xmlNodePtr disk = gl_xml_child(devices, "disk"); disk; disk = gl_xml_element(disk->next, "disk"))
      if (disk_has_name(disk, disk_names[i], device))
        return disk;
  return NULL;
}

static bool is_open(xmlParserCtxtPtr ctxt, xmlNodePtr element)
{
  for (xmlNodePtr node = ctxt->node; node; node = node->parent)
    if (node == element)
      return true;
  return false;
}

/* The disk with that target among those that are parsed to their ends. last: the last one that was looked at. */
static xmlNodePtr parsed_disk(xmlParserCtxtPtr ctxt, const char *device, xmlNodePtr *last)
{
  xmlNodePtr root = ctxt->myDoc ? xmlDocGetRootElement(ctxt->myDoc) : NULL;
  xmlNodePtr disk = *last ? gl_xml_element((*last)->next, "disk") : gl_xml_child(gl_xml_child(root, "devices"), "disk");
  for (; disk && !is_open(ctxt, disk); disk = gl_xml_element(disk->next, "disk")) {
    if (disk_has_name(disk, disk_names[0], device))
      return disk;
    *last = disk;
  }
  return NULL;
}

xmlDocPtr gl_xml_parse_disk(const char *text, const char *device, xmlNodePtr *disk)
{
  enum { CHUNK = 4096 };
  char message[256];
  size_t length = strlen(text), done = 0;
  xmlParserCtxtPtr ctxt = length <= GL_XML_MAX_SIZE ? xmlCreatePushParserCtxt(NULL, NULL, NULL, 0, NULL) : NULL;
  xmlNodePtr last = NULL;
  *disk = NULL;
  if (!ctxt)
    return NULL;
  quiet before = begin_quiet();
  xmlCtxtUseOptions(ctxt, OPTIONS);
  while (ctxt->wellFormed && !*disk && done < length) {
    size_t part = length - done < CHUNK ? length - done : CHUNK;
    xmlParseChunk(ctxt, text + done, (int)part, 0);
    done += part;
    *disk = ctxt->wellFormed ? parsed_disk(ctxt, device, &last) : NULL;
  }
  if (ctxt->wellFormed && !*disk)
    xmlParseChunk(ctxt, NULL, 0, 1);
  end_quiet(before);
  xmlDocPtr doc = ctxt->myDoc;
  ctxt->myDoc = NULL;
  if (!ctxt->wellFormed) {
    xmlFreeDoc(doc);
    doc = NULL;
  }
  xmlFreeParserCtxt(ctxt);
  doc = doc ? accepted(doc, done, message, sizeof message) : NULL;
  *disk = !doc ? NULL : *disk ? *disk : gl_xml_disk(doc, device);
  return doc;
}
