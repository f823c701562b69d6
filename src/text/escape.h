/*
 * Text for people: characters that a terminal would obey, or that make a text look like another one, are shown as escapes.
 *
 * Escaped are C0, DEL and C1 control characters, the characters that change the direction of text, and bytes that are not UTF-8. All
 * foreign text passes through here when it is printed, and only then: fields of errors and results of calls keep their bytes. No lua.h
 * here.
 */
#ifndef GL_ESCAPE_H
#define GL_ESCAPE_H

#include <stddef.h>

typedef enum gl_escape_lines {
  GL_ESCAPE_LINES, /* line feeds and tabs are escaped too: the text is part of a line */
  GL_KEEP_LINES,   /* they stay */
  GL_INDENT_LINES, /* they stay, and the lines after the first are indented: none can be taken for another message */
} gl_escape_lines;

/* The text, as in "a\x1b[2J\u{202e}b\n". malloc'ed; NULL: no memory. */
char *gl_escape(const char *text, size_t length, gl_escape_lines lines);

#endif
