/*
 * Secrets, kept out of what is logged and of what errors say. No lua.h here.
 *
 * What is taken for one: in XML the passwords of graphics, what is written in <secret>, <auth>, <cookie> and the like, and what is handed
 * to QEMU and reads like one; in other text what follows "password=" and the like, and the password in a URI.
 */
#ifndef GL_MASK_H
#define GL_MASK_H

/* What is shown in their place. */
#define GL_MASKED "***"

/* The XML on one line, with secrets masked and comments left out, or how long it is where it is no XML. malloc'ed; NULL: no memory. */
char *gl_mask_xml(const char *xml);

/* Text of whatever kind, with masked what reads like a secret. malloc'ed; NULL: no memory. */
char *gl_mask_text(const char *text);

/* Takes over the text (NULL: nothing happens), and gives it with the value masked, wherever it stands. */
char *gl_mask_value(char *text, const char *value);

/* The same with every secret of the XML. libvirt quotes lines of what is no XML: of such text the first line is left. */
char *gl_mask_values_of(char *text, const char *xml);

#endif
