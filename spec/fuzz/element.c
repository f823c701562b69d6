/*
 * libFuzzer: any bytes into the parser. What it accepts is searched for disks and printed; what is printed has to be read again, and then
 * print the same.
 */
#include <libxml/parser.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fail(const char *what, const char *first, const char *second)
{
  fprintf(stderr, "element: %s\n%s\n%s\n", what, first, second);
  abort();
}

static xmlBufferPtr print(xmlDocPtr doc)
{
  xmlBufferPtr buffer = xmlBufferCreate();
  if (!buffer || xmlNodeDump(buffer, doc, xmlDocGetRootElement(doc), 0, 0) < 0)
    fail("cannot print", "", "");
  return buffer;
}

/* Finds every disk by what it is found by. */
static void find_disks(xmlDocPtr doc)
{
  xmlNodePtr devices = gl_xml_child(xmlDocGetRootElement(doc), "devices");
  for (xmlNodePtr disk = gl_xml_child(devices, "disk"); disk; disk = gl_xml_element(disk->next, "disk")) {
    xmlNodePtr target = gl_xml_child(disk, "target");
    xmlChar *dev = target ? xmlGetNoNsProp(target, (const xmlChar *)"dev") : NULL;
    if (dev && !gl_xml_disk(doc, (const char *)dev))
      fail("a disk is there and not found", (const char *)dev, "");
    xmlFree(dev);
  }
  gl_xml_disk(doc, "vda");
  gl_xml_disk(doc, "");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  char message[256] = "";
  xmlDocPtr doc = gl_xml_parse((const char *)data, size, message, sizeof message);
  if (!doc) {
    if (!*message || strchr(message, '\n'))
      fail("a refusal is one line", message, "");
    return 0;
  }
  if (!xmlDocGetRootElement(doc))
    fail("no root element", "", "");
  find_disks(doc);
  xmlBufferPtr first = print(doc);
  const char *text = (const char *)xmlBufferContent(first);
  xmlDocPtr again = gl_xml_parse(text, (size_t)xmlBufferLength(first), message, sizeof message);
  if (!again)
    fail(message, text, "");
  xmlBufferPtr second = print(again);
  if (!xmlStrEqual(xmlBufferContent(first), xmlBufferContent(second)))
    fail("prints another text the second time", text, (const char *)xmlBufferContent(second));
  xmlBufferFree(first);
  xmlBufferFree(second);
  xmlFreeDoc(again);
  xmlFreeDoc(doc);
  return 0;
}
