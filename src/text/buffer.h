/* A growing run of bytes. No lua.h here. After an allocation failure it stays empty, and gl_buffer_take gives NULL. */
#ifndef GL_BUFFER_H
#define GL_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

typedef struct gl_buffer {
  char *data; /* ends with a NUL that is not counted */
  size_t length, room;
  bool failed;
} gl_buffer;

void gl_buffer_add(gl_buffer *b, const char *bytes, size_t length);
void gl_buffer_add_text(gl_buffer *b, const char *text);

/* The text, which is the caller's to free; NULL: no memory. The buffer is empty again. */
char *gl_buffer_take(gl_buffer *b);

#endif
