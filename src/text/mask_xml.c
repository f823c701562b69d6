/* The secrets in libvirt's XML, by its schema. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/buffer.h"
#include "text/mask.h"
#include "text/xml.h"

/* One walk masks the document and reports each secret that it masks. */
typedef struct walk {
  gl_finder *finder;  /* NULL: no report */
  bool value_follows; /* the last argument, of QEMU or a container's init, was the name of a secret */
  bool foreign;       /* within <metadata>, which libvirt's schema does not describe */
} walk;

static void report(walk *w, const char *value)
{
  size_t blank = strspn(value, " \t\r\n"), length = strlen(value);
  while (length > blank && strchr(" \t\r\n", value[length - 1]))
    length--;
  if (w->finder && length > blank)
    w->finder->found(w->finder, value + blank, length - blank);
}

typedef struct counter {
  gl_finder finder, *next;
  int count;
} counter;

static void count_found(gl_finder *finder, const char *value, size_t length)
{
  counter *c = (counter *)finder;
  c->count++;
  if (c->next)
    c->next->found(c->next, value, length);
}

/* Reports the secrets within a value that is masked as a whole; the whole value if no secret stands out from the rest. */
static void report_inner(walk *w, const char *value)
{
  static const char *const keys[] = {"string=", "query=", "ds=", NULL}; /* free text follows */
  counter c = {.finder.found = count_found, .next = w->finder};
  gl_mask_find_in_text(value, &c.finder);
  for (const char *const *key = keys; *key && c.count == 0; key++) {
    const char *found = strstr(value, *key);
    if (found) {
      report(w, found + strlen(*key));
      c.count++;
    }
  }
  if (c.count == 0)
    report(w, value);
}

static char *attribute(xmlNodePtr element, const char *name)
{
  return (char *)xmlGetNoNsProp(element, (const xmlChar *)name);
}

/* ---- attributes ---- */

/* Arguments passed to QEMU unchanged: <qemu:arg value>. */
static bool is_secret_argument(const char *value, walk *w)
{
  bool secret = w->value_follows || gl_mask_is_name(value) || strstr(value, ",string=");
  w->value_follows = *value == '-' && (gl_mask_is_name(value) || strcmp(value, "-fw_cfg") == 0);
  return secret;
}

/* Whether the element's value or text has the name of a secret, as in <qemu:env name value>, <initenv name>, <entry key>. An <option> of
 * Ceph's is just called "key". */
static bool is_named_secret(xmlNodePtr element)
{
  static const char *const attributes[] = {"name", "key", NULL};
  bool secret = false;
  for (const char *const *a = attributes; *a && !secret; a++) {
    char *name = attribute(element, *a);
    secret = name && (gl_mask_is_name(name) || (gl_xml_element_is(element, "option") && strcmp(name, "key") == 0));
    xmlFree(name);
  }
  return secret;
}

static bool is_secret_attribute(xmlNodePtr element, const char *name, const char *value, walk *w)
{
  if (strcmp(name, "value") == 0) {
    if (gl_xml_element_is(element, "arg"))
      return is_secret_argument(value, w);
    if (gl_xml_element_is(element, "cookie") || is_named_secret(element))
      return true;
    return (gl_xml_element_is(element, "env") || gl_xml_element_is(element, "property")) && gl_mask_is_name(value);
  }
  if (strcmp(name, "query") == 0) /* of a network source: a signature, a token */
    return gl_xml_element_is(element, "source");
  if (strcmp(name, "usage") == 0) /* which secret it is: never shown, but no value to look for elsewhere */
    return gl_xml_element_is(element, "secret");
  return strncmp(name, "passwdValid", 11) != 0 && gl_mask_is_name(name);
}

static void mask_attribute(xmlNodePtr element, xmlAttrPtr a, walk *w)
{
  char *value = (char *)xmlNodeListGetString(element->doc, a->children, 1);
  if (!value || !*value) {
    xmlFree(value);
    return;
  }
  const char *name = (const char *)a->name;
  bool whole = is_secret_attribute(element, name, value, w);
  if (whole && (strcmp(name, "value") == 0 || strcmp(name, "query") == 0))
    report_inner(w, value);
  else if (whole && strcmp(name, "usage") != 0)
    report(w, value);
  else if (w->finder)
    gl_mask_find_in_text(value, w->finder);
  char *masked = whole ? strdup(GL_MASKED) : gl_mask_text(value);
  if (!masked || strcmp(masked, value) != 0)
    xmlSetNsProp(element, a->ns, a->name, (const xmlChar *)(masked ? masked : GL_MASKED));
  free(masked);
  xmlFree(value);
}

/* ---- text ---- */

/* Elements with secret text, at any depth, besides those named like a secret. */
static bool is_secret_element(xmlNodePtr element, walk *w)
{
  static const char *const elements[] = {"auth", "encryption", "dhCert", "session", NULL};
  for (const char *const *name = elements; *name && !w->foreign; name++)
    if (gl_xml_element_is(element, *name))
      return true;
  if (gl_xml_element_is(element, "initarg")) {
    xmlChar *text = xmlNodeGetContent(element);
    bool secret = w->value_follows;
    w->value_follows = text && *text == '-' && !strchr((const char *)text, '=') && gl_mask_is_name((const char *)text);
    xmlFree(text);
    return secret;
  }
  return gl_mask_is_name((const char *)element->name) || is_named_secret(element);
}

/* The strings that a guest finds in its firmware: cloud-init, Ignition and systemd receive passwords this way. */
static bool is_firmware_entry(xmlNodePtr element)
{
  if (!gl_xml_element_is(element, "entry"))
    return false;
  xmlChar *text = xmlNodeGetContent(element);
  bool seed = gl_xml_attribute_is(element, "name", "serial") && text && strncmp((const char *)text, "ds=", 3) == 0; /* cloud-init's */
  xmlFree(text);
  return seed || gl_xml_element_is(element->parent, "oemStrings") || gl_xml_attribute_is(element->parent, "type", "fwcfg");
}

/* A word of the kernel's command line, which may be name=value. The value is masked if it is a key, or a network root with a password. */
static void mask_kernel_word(gl_buffer *b, const char *word, size_t length, walk *w)
{
  const char *equals = memchr(word, '=', length), *end = word + length;
  if (!equals) {
    gl_buffer_add(b, word, length);
    return;
  }
  const char *value = equals + 1, *at = memchr(value, '@', (size_t)(end - value));
  bool key = equals - word >= 3 && strncasecmp(equals - 3, "key", 3) == 0;
  const char *begin = value, *stop = key ? end : begin;
  for (const char *c = value; !key && at && c < at; c++) /* iscsi:user:password@host */
    if (*c == ':' && c + 1 < at && c[1] != '/') {
      begin = c + 1;
      stop = at;
    }
  if (stop > begin && w->finder)
    w->finder->found(w->finder, begin, (size_t)(stop - begin));
  gl_buffer_add(b, word, (size_t)(begin - word));
  gl_buffer_add_text(b, stop > begin ? GL_MASKED : "");
  gl_buffer_add(b, stop, (size_t)(end - stop));
}

static char *mask_command_line(const char *text, walk *w)
{
  gl_buffer b = {0};
  while (*text) {
    size_t blank = strspn(text, " \t\n"), length = strcspn(text + blank, " \t\n");
    gl_buffer_add(&b, text, blank);
    mask_kernel_word(&b, text + blank, length, w);
    text += blank + length;
  }
  return gl_buffer_take(&b);
}

static void mask_content(xmlNodePtr element, xmlNodePtr node, bool secret, walk *w)
{
  const char *content = (const char *)node->content;
  char *line = NULL, *masked = NULL;
  if (secret) {
    report(w, content);
  } else {
    if (w->finder)
      gl_mask_find_in_text(content, w->finder);
    if (gl_xml_element_is(element, "cmdline"))
      line = mask_command_line(content, w);
    masked = gl_mask_text(line ? line : content);
  }
  if (!masked || strcmp(masked, content) != 0) {
    xmlChar *escaped = xmlEncodeSpecialChars(node->doc, (const xmlChar *)(masked ? masked : GL_MASKED));
    xmlNodeSetContent(node, escaped ? escaped : (const xmlChar *)GL_MASKED);
    xmlFree(escaped);
  }
  free(masked);
  free(line);
}

static void mask_element(xmlNodePtr element, bool secret, walk *w)
{
  walk foreign = {.foreign = true}; /* what reads like a secret there is masked, and not looked for elsewhere */
  w = gl_xml_element_is(element, "metadata") ? &foreign : w;
  secret = secret || is_secret_element(element, w) || is_firmware_entry(element);
  for (xmlAttrPtr a = element->properties; a; a = a->next)
    mask_attribute(element, a, w);
  for (xmlNodePtr child = element->children, next; child; child = next) {
    next = child->next;
    bool blank = xmlIsBlankNode(child);
    if (child->type == XML_ELEMENT_NODE) {
      mask_element(child, secret, w);
    } else if ((child->type != XML_TEXT_NODE && child->type != XML_CDATA_SECTION_NODE) || blank) {
      xmlUnlinkNode(child);
      xmlFreeNode(child);
    } else {
      mask_content(element, child, secret, w);
    }
  }
}

/* ---- documents ---- */

/* The document, masked; NULL if it is none. */
static xmlDocPtr masked_document(const char *xml, walk *w)
{
  char message[256];
  xmlDocPtr doc = gl_xml_parse(xml, strlen(xml), message, sizeof message);
  if (doc)
    mask_element(xmlDocGetRootElement(doc), false, w);
  return doc;
}

char *gl_mask_xml(const char *xml)
{
  walk w = {0};
  char *result = NULL, size[40];
  xmlDocPtr doc = masked_document(xml, &w);
  xmlBufferPtr buffer = xmlBufferCreate();
  if (!doc) {
    snprintf(size, sizeof size, "(XML, %zu bytes)", strlen(xml));
    result = strdup(size);
  } else if (buffer && xmlNodeDump(buffer, doc, xmlDocGetRootElement(doc), 0, 0) >= 0) {
    result = strdup((const char *)xmlBufferContent(buffer));
  }
  xmlBufferFree(buffer);
  xmlFreeDoc(doc);
  return result;
}

void gl_mask_find_in_xml(const char *xml, gl_finder *finder)
{
  walk w = {.finder = finder};
  xmlDocPtr doc = masked_document(xml, &w);
  if (!doc)
    gl_mask_find_in_text(xml, finder); /* not XML: at least the parts that read like a secret */
  xmlFreeDoc(doc);
}

typedef struct in_text {
  gl_finder finder;
  char *text;
} in_text;

static void mask_found(gl_finder *finder, const char *value, size_t length)
{
  in_text *t = (in_text *)finder;
  char *copy = strndup(value, length);
  if (copy)
    t->text = gl_mask_value(t->text, copy);
  free(copy);
}

char *gl_mask_values_of(char *text, const char *xml)
{
  in_text t = {.finder.found = mask_found, .text = text};
  walk w = {.finder = &t.finder};
  xmlDocPtr doc = text ? masked_document(xml, &w) : NULL;
  if (!doc && text)
    text[strcspn(text, "\n")] = '\0';
  xmlFreeDoc(doc);
  return t.text;
}
