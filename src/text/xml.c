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
  /* Some complaints bypass XML_PARSE_NOERROR and reach the thread's own handler, which prints them. */
  xmlGenericErrorFunc handler = xmlGenericError;
  void *handler_data = xmlGenericErrorContext;
  xmlSetGenericErrorFunc(NULL, say_nothing);
  xmlDocPtr doc = xmlCtxtReadMemory(ctxt, text, (int)length, NULL, NULL, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
  xmlSetGenericErrorFunc(handler_data, handler);
  if (!doc) {
    const xmlError *e = xmlCtxtGetLastError(ctxt);
    const char *why = e && e->message ? e->message : "not a document";
    snprintf(message, message_size, "line %d: %.*s", e ? e->line : 1, (int)strcspn(why, "\n"), why);
  } else if (doc->intSubset) {
    snprintf(message, message_size, "line 1: a document type declaration is not allowed here");
    xmlFreeDoc(doc);
    doc = NULL;
  } else {
    set_utf8(doc);
    doc->_private = (void *)length; /* NOLINT */
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
  const char *prefix = ns && ns->prefix ? (const char *)ns->prefix : "";
  return colon && strcmp((const char *)local, colon + 1) == 0 && strlen(prefix) == (size_t)(colon - name) &&
         strncmp(prefix, name, (size_t)(colon - name)) == 0;
}

int gl_xml_element_is(xmlNodePtr element, const char *name)
{
  return strcmp((const char *)element->name, name) == 0 || has_name(element->name, element->ns, name);
}

xmlAttrPtr gl_xml_attribute(xmlNodePtr element, const xmlChar *name)
{
  if (!strchr((const char *)name, ':'))
    return xmlHasNsProp(element, name, NULL);
  xmlAttrPtr a = element->properties;
  while (a && !has_name(a->name, a->ns, (const char *)name))
    a = a->next;
  return a;
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

xmlNodePtr gl_xml_disk(xmlDocPtr domain, const char *device)
{
  static const char *const keys[][2] = {{"target", "dev"}, {"source", "file"}};
  xmlNodePtr devices = gl_xml_child(xmlDocGetRootElement(domain), "devices");
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    for (xmlNodePtr disk = gl_xml_child(devices, "disk"); disk; disk = gl_xml_element(disk->next, "disk"))
      for (xmlNodePtr child = gl_xml_child(disk, keys[i][0]); child; child = gl_xml_element(child->next, keys[i][0]))
        if (gl_xml_attribute_is(child, keys[i][1], device))
          return disk;
  return NULL;
}
