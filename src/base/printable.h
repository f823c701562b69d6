/*
 * Text for people: the one way out for foreign text. Secrets are masked, both those known to the Lua state (secret.h) and text that reads
 * like one (mask.h), and control characters are escaped (escape.h). Text that is only kept, such as an error's fields, does not come here.
 */
#ifndef GL_PRINTABLE_H
#define GL_PRINTABLE_H

#include <lua.h>

#include "text/escape.h"

/* Pushes the string at index as people can read it. Of a single line that is very long the middle is left out. [-0, +1, m] */
void gl_printable_push(lua_State *L, int index, gl_escape_lines lines);

/* Pushes the text with its secrets masked and no more; nil for NULL. [-0, +1, m] */
void gl_printable_push_masked(lua_State *L, const char *text);

/* Takes over a malloc'ed text in which everything that reads like a secret is masked already; pushes it with the known secrets masked
 * too. NULL, from a failed allocation, is masked as a whole. [-0, +1, m] */
void gl_printable_push_own(lua_State *L, char *text);

/* Adds the secrets in an argument of a call: none, all of it, those of an XML document, or the password of a URI. [-0, +0, -] */
typedef enum gl_printable_known { GL_KNOWN_NONE, GL_KNOWN_SECRET, GL_KNOWN_XML, GL_KNOWN_URI } gl_printable_known;
void gl_printable_learn(lua_State *L, const char *text, gl_printable_known known);

/* Adds a secret that may have NUL bytes, and ends with one more. [-0, +0, -] */
void gl_printable_learn_bytes(lua_State *L, const char *bytes, size_t length);

/* Makes the set of secrets, and sets mask, mask_xml, printable, escape, secret and is_secret_name in the table on top of the stack. [-0,
 * +0, m] */
void gl_printable_open(lua_State *L);

#endif
