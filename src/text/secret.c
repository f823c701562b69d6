#include "text/secret.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "text/buffer.h"

enum {
  SHORTEST = 4,       /* also the length of the key that a form is looked up by */
  LONGEST = 64 << 10, /* a longer value is not a password */
  LONGEST_WITH_FORMS = 4 << 10,
  MOST = 8192,          /* forms of values */
  MOST_BYTES = 4 << 20, /* together */
  BUCKETS = 4096,
};

typedef struct form {
  TAILQ_ENTRY(form) by_age;
  LIST_ENTRY(form) in_bucket;
  size_t length;
  char bytes[];
} form;

struct gl_secrets {
  TAILQ_HEAD(, form) oldest_first;
  LIST_HEAD(, form) buckets[BUCKETS];
  size_t count, bytes;
};

static unsigned bucket_of(const char *s)
{
  uint32_t word;
  memcpy(&word, s, sizeof word);
  return word * 2654435761u >> 20; /* Fibonacci hashing: 12 bits */
}

gl_secrets *gl_secrets_new(void)
{
  gl_secrets *set = calloc(1, sizeof *set);
  if (set)
    TAILQ_INIT(&set->oldest_first);
  return set;
}

static void forget(gl_secrets *set, form *f)
{
  TAILQ_REMOVE(&set->oldest_first, f, by_age);
  LIST_REMOVE(f, in_bucket);
  set->count--;
  set->bytes -= f->length;
  explicit_bzero(f->bytes, f->length);
  free(f);
}

void gl_secrets_free(gl_secrets *set)
{
  while (set && !TAILQ_EMPTY(&set->oldest_first))
    forget(set, TAILQ_FIRST(&set->oldest_first));
  free(set);
}

/* The longest form that the text begins with; exact: the one that is all of it. */
static form *find(const gl_secrets *set, const char *text, size_t length, bool exact)
{
  form *best = NULL, *f;
  if (length < SHORTEST)
    return NULL;
  for (f = LIST_FIRST(&set->buckets[bucket_of(text)]); f; f = LIST_NEXT(f, in_bucket))
    if ((exact ? f->length == length : f->length <= length) && memcmp(f->bytes, text, f->length) == 0 &&
        (!best || f->length > best->length))
      best = f;
  return best;
}

static void add_form(gl_secrets *set, const char *bytes, size_t length)
{
  static const char *const words[] = {"true", "false", "none", "null", NULL}; /* masking these would hide text that is no secret */
  for (const char *const *word = words; *word; word++)
    if (strlen(*word) == length && memcmp(*word, bytes, length) == 0)
      return;
  if (length < SHORTEST || length > 2 * LONGEST)
    return;
  form *known = find(set, bytes, length, true);
  if (known) { /* given again: the newest */
    TAILQ_REMOVE(&set->oldest_first, known, by_age);
    TAILQ_INSERT_TAIL(&set->oldest_first, known, by_age);
    return;
  }
  form *f = malloc(sizeof *f + length);
  if (!f)
    return;
  f->length = length;
  memcpy(f->bytes, bytes, length);
  TAILQ_INSERT_TAIL(&set->oldest_first, f, by_age);
  LIST_INSERT_HEAD(&set->buckets[bucket_of(bytes)], f, in_bucket);
  set->count++;
  set->bytes += length;
  while (set->count > MOST || set->bytes > MOST_BYTES)
    forget(set, TAILQ_FIRST(&set->oldest_first));
}

static void wipe(gl_buffer *b)
{
  if (b->data)
    explicit_bzero(b->data, b->length);
  free(b->data);
}

static void add_base64(gl_buffer *b, const unsigned char *s, size_t length)
{
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < length; i += 3) {
    size_t left = length - i;
    unsigned bits = (unsigned)s[i] << 16 | (left > 1 ? (unsigned)s[i + 1] << 8 : 0) | (left > 2 ? s[i + 2] : 0);
    char four[] = {letters[bits >> 18 & 63], letters[bits >> 12 & 63], left > 1 ? letters[bits >> 6 & 63] : '=',
                   left > 2 ? letters[bits & 63] : '='};
    gl_buffer_add(b, four, sizeof four);
  }
}

/* The value inside the base64 of a longer text: the part that does not depend on the bytes around it, for each of the three offsets in a
 * group. */
static void add_base64_forms(gl_secrets *set, const char *value, size_t length)
{
  gl_buffer whole = {0};
  add_base64(&whole, (const unsigned char *)value, length);
  if (!whole.failed)
    add_form(set, whole.data, whole.length);
  for (size_t before = 0; before < 3; before++) {
    size_t skipped = (3 - before) % 3; /* bytes that share a group with others */
    if (length < skipped + 6)          /* eight letters at least */
      continue;
    gl_buffer inner = {0};
    add_base64(&inner, (const unsigned char *)value + skipped, (length - skipped) / 3 * 3);
    if (!inner.failed)
      add_form(set, inner.data, inner.length);
    wipe(&inner);
  }
  wipe(&whole);
}

/* The escape of a byte in JSON, and in XML; NULL: it is not escaped. */
static const char *escape_of(unsigned char c, bool xml, char *room, size_t size)
{
  if (xml)
    return c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '"' ? "&quot;" : NULL;
  if (c == '"' || c == '\\')
    snprintf(room, size, "\\%c", c);
  else if (c == '\n' || c == '\r' || c == '\t')
    snprintf(room, size, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
  else if (c < 0x20)
    snprintf(room, size, "\\u%04x", c);
  else
    return NULL;
  return room;
}

static void add_escaped_form(gl_secrets *set, const char *value, size_t length, bool xml)
{
  gl_buffer b = {0};
  char room[8];
  for (size_t i = 0; i < length; i++) {
    const char *escape = escape_of((unsigned char)value[i], xml, room, sizeof room);
    gl_buffer_add(&b, escape ? escape : value + i, escape ? strlen(escape) : 1);
  }
  if (!b.failed && b.length > length)
    add_form(set, b.data, b.length);
  wipe(&b);
}

void gl_secrets_add(gl_secrets *set, const char *value, size_t length)
{
  if (!set || length < SHORTEST || length > LONGEST)
    return;
  add_form(set, value, length);
  if (length > LONGEST_WITH_FORMS)
    return;
  add_escaped_form(set, value, length, false);
  add_escaped_form(set, value, length, true);
  add_base64_forms(set, value, length);
}

char *gl_secrets_hide(const gl_secrets *set, const char *text, size_t length, size_t *result_length)
{
  gl_buffer b = {0};
  const char *run = text, *end = text + length;
  bool found = false;
  for (const char *s = text; set && set->count && s + SHORTEST <= end;) {
    const form *f = find(set, s, (size_t)(end - s), false);
    if (!f) {
      s++;
      continue;
    }
    found = true;
    gl_buffer_add(&b, run, (size_t)(s - run));
    gl_buffer_add_text(&b, GL_MASKED);
    run = s += f->length;
  }
  if (!found)
    return NULL;
  gl_buffer_add(&b, run, (size_t)(end - run));
  *result_length = b.length;
  char *result = gl_buffer_take(&b);
  if (result)
    return result;
  *result_length = strlen(GL_MASKED); /* no memory: better no text than a secret */
  return strdup(GL_MASKED);
}
