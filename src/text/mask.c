#include "text/mask.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "text/xml.h"

/* A shorter one would be found in many places where it is none. */
#define SHORTEST_VALUE 3

static bool is_one_of(const char *name, const char *const *names)
{
  while (*names && strcasecmp(name, *names) != 0)
    names++;
  return *names;
}

/* ---- text ---- */

/* A text that grows; data is NULL once there was no memory. */
typedef struct text {
  char *data;
  size_t length;
} text;

static void add(text *t, const char *bytes, size_t length)
{
  char *more = t->data ? realloc(t->data, t->length + length + 1) : NULL;
  if (!more)
    free(t->data);
  t->data = more;
  if (!more)
    return;
  memcpy(t->data + t->length, bytes, length);
  t->length += length;
  t->data[t->length] = '\0';
}

static bool begins(const char *s, const char *word)
{
  return strncasecmp(s, word, strlen(word)) == 0;
}

/* How far from s the end of the word is, if it is the name of a secret. */
static size_t secret_name(const char *s)
{
  static const char *const names[] = {"passw",       "passphrase",  "secret",  "token",   "credential", "input-data",
                                      "private-key", "private_key", "api-key", "api_key", "apikey",     NULL};
  for (const char *const *name = names; *name; name++)
    if (begins(s, *name)) {
      size_t length = strlen(*name);
      while (isalnum((unsigned char)s[length]) || s[length] == '_' || s[length] == '-')
        length++;
      return length;
    }
  return 0;
}

/* A value in quotes, from after the opening one on. escaped: the quotes themselves are, as in a text within a text. */
static size_t quoted_length(const char *s, char quote, bool escaped)
{
  size_t n = 0;
  while (s[n] && s[n] != quote && !(escaped && s[n] == '\\' && s[n + 1] == quote))
    n += s[n] == '\\' && s[n + 1] && !escaped ? 2 : 1;
  return n;
}

/* After a name: where the value is, as in password='x', "password": "x", password=x. NULL where none follows. */
static const char *value_after(const char *s, size_t *length)
{
  s += *s == '\\';
  s += *s == '"' || *s == '\'';
  s += strspn(s, " ");
  if (*s != '=' && *s != ':')
    return NULL;
  bool colon = *s++ == ':';
  s += strspn(s, " ");
  bool escaped = *s == '\\' && (s[1] == '"' || s[1] == '\'');
  s += escaped;
  if (*s == '"' || *s == '\'')
    *length = quoted_length(s + 1, *s, escaped);
  else if (colon) /* "bad password: too short" */
    return NULL;
  else
    *length = strcspn(s, " \t\r\n,;&'\"<>)}");
  return s + (*s == '"' || *s == '\'');
}

/* In a URI, after "://": where the password is, up to the @. NULL where there is none. */
static const char *uri_password(const char *s, size_t *length)
{
  size_t end = strcspn(s, "@/ \t\n'\"<>");
  const char *colon = memchr(s, ':', end);
  if (s[end] != '@' || !colon)
    return NULL;
  *length = (size_t)(s + end - colon - 1);
  return colon + 1;
}

char *gl_mask_text(const char *s)
{
  text t = {.data = calloc(1, 1)};
  bool secret_object = false; /* as in QEMU's -object secret,id=x,data=y */
  while (*s) {
    const char *value = NULL;
    size_t name = secret_name(s), length = 0;
    if (!name && secret_object && begins(s, "data="))
      name = strlen("data");
    if (name) {
      secret_object = secret_object || begins(s, "secret,");
      value = value_after(s + name, &length);
    } else if (begins(s, "://")) {
      value = uri_password(s + 3, &length);
    }
    if (value) {
      add(&t, s, (size_t)(value - s));
      add(&t, GL_MASKED, length ? strlen(GL_MASKED) : 0);
      s = value + length;
    } else {
      add(&t, s, name ? name : 1);
      s += name ? name : 1;
    }
  }
  return t.data;
}

char *gl_mask_value(char *s, const char *value)
{
  size_t length = strlen(value);
  if (!s || length < SHORTEST_VALUE || !strstr(s, value))
    return s;
  text t = {.data = calloc(1, 1)};
  const char *rest = s;
  for (const char *found; (found = strstr(rest, value)); rest = found + length) {
    add(&t, rest, (size_t)(found - rest));
    add(&t, GL_MASKED, strlen(GL_MASKED));
  }
  add(&t, rest, strlen(rest));
  free(s);
  return t.data;
}

/* ---- XML ---- */

/* One walk masks the document; on its way it masks the same values in a text, where there is one. */
typedef struct walk {
  char *text;
  bool value_follows; /* QEMU's last argument was the name of a secret */
} walk;

/* Elements whose text, at any depth, is secret. */
static const char *const secret_elements[] = {"secret", "auth", "password", "passwd", "passphrase", "cookie", "token", "credential", NULL};
static const char *const secret_attributes[] = {"passwd", "password", "passphrase", "token", NULL};

static bool reads_like_secret(const char *s)
{
  while (*s && !secret_name(s))
    s++;
  return *s;
}

static void note(walk *w, const char *value)
{
  w->text = gl_mask_value(w->text, value);
}

/* What is handed to QEMU as it is: <qemu:arg value>, <qemu:env name value>. */
static bool is_secret_argument(xmlNodePtr element, const char *value, walk *w)
{
  if (gl_xml_element_is(element, "arg")) {
    bool secret = w->value_follows || reads_like_secret(value);
    w->value_follows = *value == '-' && reads_like_secret(value);
    return secret;
  }
  xmlChar *name = gl_xml_element_is(element, "env") ? xmlGetNoNsProp(element, (const xmlChar *)"name") : NULL;
  bool secret = name && (reads_like_secret((const char *)name) || reads_like_secret(value));
  xmlFree(name);
  return secret;
}

static void mask_attribute(xmlNodePtr element, xmlAttrPtr a, walk *w)
{
  xmlChar *value = xmlNodeListGetString(element->doc, a->children, 1);
  if (!value || !*value) {
    xmlFree(value);
    return;
  }
  bool whole = is_one_of((const char *)a->name, secret_attributes) ||
               (strcmp((const char *)a->name, "value") == 0 && is_secret_argument(element, (const char *)value, w));
  char *masked = whole ? strdup(GL_MASKED) : gl_mask_text((const char *)value);
  if (whole)
    note(w, (const char *)value);
  if (!masked || strcmp(masked, (const char *)value) != 0)
    xmlSetNsProp(element, a->ns, a->name, (const xmlChar *)(masked ? masked : GL_MASKED));
  free(masked);
  xmlFree(value);
}

/* The strings that a guest finds in its firmware: passwords of cloud-init, Ignition and systemd come that way. */
static bool is_firmware_entry(xmlNodePtr element)
{
  return gl_xml_element_is(element, "entry") &&
         (gl_xml_element_is(element->parent, "oemStrings") || gl_xml_attribute_is(element->parent, "type", "fwcfg"));
}

static void mask_element(xmlNodePtr element, bool secret, walk *w)
{
  if (gl_xml_element_is(element, "metadata")) /* not libvirt's: whoever put it there knows what it is */
    return;
  secret = secret || is_one_of((const char *)element->name, secret_elements) || is_firmware_entry(element);
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
    } else if (secret) {
      note(w, (const char *)child->content);
      xmlNodeSetContent(child, (const xmlChar *)GL_MASKED);
    }
  }
}

/* The document, masked; NULL where it is none. */
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

char *gl_mask_values_of(char *s, const char *xml)
{
  walk w = {.text = s};
  xmlDocPtr doc = s ? masked_document(xml, &w) : NULL;
  if (!doc && s)
    s[strcspn(s, "\n")] = '\0';
  xmlFreeDoc(doc);
  return w.text;
}
