/* More kinds of arguments: numbers with a sign, booleans, bytes, lists of numbers. The field of each is said behind it. */
#ifndef GL_VALUES_H
#define GL_VALUES_H

#include "call/param.h"

typedef struct gl_bytes {
  const char *data;
  size_t size;
} gl_bytes;

typedef struct gl_numbers {
  long long *list;
  size_t count;
} gl_numbers;

extern const gl_kind gl_signed;       /* long long, of any sign; max: the largest, and -max - 1 the smallest */
extern const gl_kind gl_boolean;      /* int: 0 or 1 */
extern const gl_kind gl_binary;       /* gl_bytes: a string with any bytes, of which the log shows how many they are */
extern const gl_kind gl_secret_bytes; /* gl_bytes: never shown */
extern const gl_kind gl_number_list;  /* gl_numbers, each from 0 up; max: of each */

/* A map of processors, a bit each, from a list of their numbers, which `most` bounds. Any thread. NULL: no memory. */
unsigned char *gl_cpu_map(const gl_numbers *cpus, size_t *length);

/* Pushes the list of the numbers of the bits that are set. [-0, +1, m] */
void gl_push_cpu_map(lua_State *L, const unsigned char *map, size_t length);

#endif
