#include "xml.h"

#include <libxml/parser.h>
#include <stdio.h>
#include <string.h>

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
  xmlDocPtr doc = xmlCtxtReadMemory(ctxt, text, (int)length, NULL, NULL, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
  if (!doc) {
    const xmlError *e = xmlCtxtGetLastError(ctxt);
    const char *why = e && e->message ? e->message : "not a document";
    snprintf(message, message_size, "line %d: %.*s", e ? e->line : 1, (int)strcspn(why, "\n"), why);
  } else if (doc->intSubset) {
    snprintf(message, message_size, "line 1: a document type declaration is not allowed here");
    xmlFreeDoc(doc);
    doc = NULL;
  }
  xmlFreeParserCtxt(ctxt);
  return doc;
}

int gl_xml_element_is(xmlNodePtr element, const char *name)
{
  return strcmp((const char *)element->name, name) == 0;
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
