#include "text/buffer.h"

#include <stdlib.h>
#include <string.h>

void gl_buffer_add(gl_buffer *b, const char *bytes, size_t length)
{
  if (b->failed)
    return;
  if (!b->data || b->room - b->length <= length) {
    size_t room = 2 * b->room + length + 32;
    char *more = realloc(b->data, room);
    if (!more) {
      free(b->data);
      *b = (gl_buffer){.failed = true};
      return;
    }
    b->data = more;
    b->room = room;
  }
  if (length)
    memcpy(b->data + b->length, bytes, length);
  b->length += length;
  b->data[b->length] = '\0';
}

void gl_buffer_add_text(gl_buffer *b, const char *text)
{
  gl_buffer_add(b, text, strlen(text));
}

char *gl_buffer_take(gl_buffer *b)
{
  gl_buffer_add(b, "", 0);
  char *data = b->data; /* NULL if it failed */
  *b = (gl_buffer){0};
  return data;
}
