#include "text/escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "text/buffer.h"

/* The length of the UTF-8 sequence at s, and its code point; 0 if there is none. */
static size_t decode(const unsigned char *s, size_t left, uint32_t *point)
{
  static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  size_t length = *s < 0x80 ? 1 : *s >= 0xc2 && *s < 0xe0 ? 2 : *s >= 0xe0 && *s < 0xf0 ? 3 : *s >= 0xf0 && *s < 0xf5 ? 4 : 0;
  if (length == 0 || length > left)
    return 0;
  *point = length == 1 ? *s : *s & (0xffu >> (length + 1));
  for (size_t i = 1; i < length; i++) {
    if ((s[i] & 0xc0) != 0x80)
      return 0;
    *point = *point << 6 | (s[i] & 0x3fu);
  }
  bool valid = *point >= smallest[length] && *point <= 0x10ffff && !(*point >= 0xd800 && *point < 0xe000);
  return valid ? length : 0;
}

static bool is_harmless(uint32_t point)
{
  bool control = point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x2028 || point == 0x2029;
  bool direction =
    point == 0x61c || point == 0x200e || point == 0x200f || (point >= 0x202a && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
  return !control && !direction;
}

static void add_escape(gl_buffer *b, uint32_t point, bool byte)
{
  char text[16];
  const char *format = byte || point < 0x80 ? "\\x%02x" : "\\u{%x}";
  if (!byte && point == '\n')
    format = "\\n";
  else if (!byte && point == '\r')
    format = "\\r";
  else if (!byte && point == '\t')
    format = "\\t";
  snprintf(text, sizeof text, format, (unsigned)point);
  gl_buffer_add_text(b, text);
}

char *gl_escape(const char *text, size_t length, gl_escape_lines lines)
{
  gl_buffer b = {0};
  const char *end = text + length, *run = text; /* run: start of the bytes to add unchanged */
  for (const char *s = text; s < end;) {
    uint32_t point = (unsigned char)*s;
    size_t size = decode((const unsigned char *)s, (size_t)(end - s), &point);
    bool kept = size && (is_harmless(point) || (lines != GL_ESCAPE_LINES && (point == '\n' || point == '\t')));
    const char *next = s + (size ? size : 1);
    if (!kept || point == '\n') {
      gl_buffer_add(&b, run, (size_t)(s - run));
      run = next;
      if (!kept)
        add_escape(&b, size ? point : (unsigned char)*s, size == 0);
      else
        gl_buffer_add_text(&b, lines == GL_INDENT_LINES && next < end && *next != ' ' && *next != '\t' && *next != '\n' ? "\n  " : "\n");
    }
    s = next;
  }
  gl_buffer_add(&b, run, (size_t)(end - run));
  return gl_buffer_take(&b);
}
