/*
 * What reads like a secret: the second net, for those that nobody gave as one (secret.h has the first). No lua.h here.
 *
 * What is taken for one: in XML what libvirt's schema has for secrets (mask_xml.c); in other text what follows "password=" and the like,
 * the password in a URI, and what an option or a header of that name has.
 */
#ifndef GL_MASK_H
#define GL_MASK_H

#include <stdbool.h>
#include <stddef.h>

#include "text/secret.h"

/* Is told of each secret that is found, as it stands there. */
typedef struct gl_finder {
  void (*found)(struct gl_finder *finder, const char *value, size_t length);
} gl_finder;

/* The XML on one line, with secrets masked and comments left out, or how long it is where it is no XML. malloc'ed; NULL: no memory. */
char *gl_mask_xml(const char *xml);

/* Text of whatever kind, with masked what reads like a secret. malloc'ed; NULL: no memory. */
char *gl_mask_text(const char *text);

/* Whether a field, an attribute, an element of that name has a secret: the one list of such names. */
bool gl_mask_is_name(const char *name);

/* Takes over the text (NULL: nothing happens), and gives it with the value masked, wherever it stands. */
char *gl_mask_value(char *text, const char *value);

/* The same with every secret of the XML. libvirt quotes lines of what is no XML: of such text the first line is left. */
char *gl_mask_values_of(char *text, const char *xml);

/* Tells of the secrets in an XML document, or in a text. */
void gl_mask_find_in_xml(const char *xml, gl_finder *finder);
void gl_mask_find_in_text(const char *text, gl_finder *finder);

#endif
