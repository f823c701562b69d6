/*
 * libxml2, and no lua.h: these functions run on any thread.
 *
 * Parsing never reaches the network, never expands an entity, and refuses a document type declaration, which no libvirt document has.
 */
#ifndef GL_XML_H
#define GL_XML_H

#include <libxml/tree.h>
#include <stdbool.h>
#include <stddef.h>

/* The largest document accepted, in bytes. libxml2 itself refuses documents nested deeper than 256 elements. */
#define GL_XML_MAX_SIZE (16 << 20)

/* The document, in UTF-8 and with its size as _private; or NULL, and the fault is written to message. */
xmlDocPtr gl_xml_parse(const char *text, size_t length, char *message, size_t message_size);

/* The next element of that name, from node on (node itself included); name NULL: any element. */
xmlNodePtr gl_xml_element(xmlNodePtr node, const char *name);

/* The first child element of the name. */
xmlNodePtr gl_xml_child(xmlNodePtr parent, const char *name);

/* The number of elements around it; the greatest depth of elements nested in it. */
int gl_xml_depth(xmlNodePtr element);
int gl_xml_height(xmlNodePtr element);

/* Whether that is its name, whatever its prefix; or with its prefix, or another one of the same namespace, if the name has one. */
int gl_xml_element_is(xmlNodePtr element, const char *name);

/* The attribute of that name: one without a prefix, or with the one that the name has, or with another one of the same namespace. NULL if
 * there is none. */
xmlAttrPtr gl_xml_attribute(xmlNodePtr element, const xmlChar *name);

/* Whether the attribute exists and has this value. */
int gl_xml_attribute_is(xmlNodePtr element, const char *name, const char *value);

/* The disk of a domain document with `device` as its <target dev>; if there is none, as its <source file>. */
xmlNodePtr gl_xml_disk(xmlDocPtr domain, const char *device);

/* The same of a text, which is parsed no further than to the end of a disk with that target: what follows it is not in the document. NULL:
 * the text is no document, as far as it was read; *disk NULL: it has no such disk. */
xmlDocPtr gl_xml_parse_disk(const char *text, const char *device, xmlNodePtr *disk);

/* Whether the bytes are UTF-8 that XML can hold. */
int gl_xml_is_text(const char *text, size_t length);

/* A new document with a copy of the element alone, with the namespaces inherited from its parents; NULL if there is no memory. */
xmlDocPtr gl_xml_copy(xmlNodePtr element);

/* Declares at the element whatever namespaces it and what is in it have from its parents, or only from `scope`, as it is about to leave. */
void gl_xml_take_namespaces_along(xmlNodePtr element, xmlNodePtr scope);

/* Whether the element, or what is in it, has the namespace. */
bool gl_xml_uses(xmlNodePtr element, xmlNsPtr ns);

/* Takes out the white space between elements; text beside which there is none stays. */
void gl_xml_strip(xmlNodePtr element);

/* Whether a prefix can be declared for it. */
bool gl_xml_is_namespace(const xmlChar *uri);

/* An empty document; NULL if there is no memory. */
xmlDocPtr gl_xml_new(void);

/* Checks the document against libvirt's schema for its root element: 0 if it fits, 1 if it does not, or is no XML, -1 if that could not be
 * checked. If not 0, the reason is written to message, which has none of the document's secrets. */
int gl_xml_validate_text(const char *text, char *message, size_t message_size);

#endif
