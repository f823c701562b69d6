/*
 * Text that reads like a secret: the second net, for secrets that were not passed as such (secret.h is the first). No lua.h here.
 *
 * Masked are: in XML the secrets of libvirt's schema (mask_xml.c); in other text the value after "password=" and the like, the password
 * in a URI, and the value of an option or a header of such a name.
 */
#ifndef GL_MASK_H
#define GL_MASK_H

#include <stdbool.h>
#include <stddef.h>

#include "text/secret.h"

/* Called with each secret found, as it is written in the text. */
typedef struct gl_finder {
  void (*found)(struct gl_finder *finder, const char *value, size_t length);
} gl_finder;

/* The XML on one line, with secrets masked and comments left out; its length if it is not XML. malloc'ed; NULL: no memory. */
char *gl_mask_xml(const char *xml);

/* Text of any kind, with everything masked that reads like a secret. malloc'ed; NULL: no memory. */
char *gl_mask_text(const char *text);

/* Whether a field, an attribute or an element of that name holds a secret: the one list of such names. */
bool gl_mask_is_name(const char *name);

/* Takes over the text (NULL: nothing happens), and gives it with every occurrence of the value masked. */
char *gl_mask_value(char *text, const char *value);

/* The same for every secret of the XML. libvirt quotes lines of text that is not XML: of such text only the first line is kept. */
char *gl_mask_values_of(char *text, const char *xml);

/* Reports the secrets in an XML document, or in a text. */
void gl_mask_find_in_xml(const char *xml, gl_finder *finder);
void gl_mask_find_in_text(const char *text, gl_finder *finder);

#endif
