/*
 * Text as it goes to people: what a terminal would obey, or what would make a text look like another one, is shown as an escape.
 *
 * Escaped are C0, DEL and C1 control characters, the characters that turn the direction of text, and bytes that are not UTF-8. All text of
 * others goes through here where it is printed, and only there: fields of errors and results of calls keep their bytes. No lua.h here.
 */
#ifndef GL_ESCAPE_H
#define GL_ESCAPE_H

#include <stddef.h>

typedef enum gl_escape_lines {
  GL_ESCAPE_LINES, /* line feeds and tabs are escaped too: it is a part of a line */
  GL_KEEP_LINES,   /* they stay */
  GL_INDENT_LINES, /* they stay, and what follows the first line is indented: it cannot be taken for another message */
} gl_escape_lines;

/* The text, as in "a\x1b[2J\u{202e}b\n". malloc'ed; NULL: no memory. */
char *gl_escape(const char *text, size_t length, gl_escape_lines lines);

#endif
