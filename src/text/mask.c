#include "text/mask.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "text/buffer.h"

/* A shorter value would match in many places that hold no secret. */
#define SHORTEST_VALUE 3
#define LONGEST_WORD 256

/* ---- names ---- */

typedef enum name_kind {
  ANYWHERE = 0, /* in a longer name too */
  AT_END = 1,   /* at the end of one: "pass" in "dbpass" */
  ALONE = 2,    /* only as a whole word */
  HEADER = 4,   /* of HTTP: after a colon the rest of the line is the value */
  KEY = 8,      /* only after . : ? & _ or -: "key" alone is most often none */
} name_kind;

/* The one list of names that stand for secrets. */
static const struct {
  const char *word;
  int kind;
} names[] = {
  {"passw", ANYWHERE},
  {"passphrase", ANYWHERE},
  {"pass", AT_END},
  {"pwd", AT_END},
  {"secret", ANYWHERE},
  {"token", ANYWHERE},
  {"credential", ANYWHERE},
  {"input-data", ANYWHERE},
  {"private-key", ANYWHERE},
  {"private_key", ANYWHERE},
  {"privatekey", ANYWHERE},
  {"api-key", ANYWHERE},
  {"api_key", ANYWHERE},
  {"apikey", ANYWHERE},
  {"access_key", ANYWHERE},
  {"access-key", ANYWHERE},
  {"accesskey", ANYWHERE},
  {"encryption_key", AT_END},
  {"encryption-key", AT_END},
  {"auth_key", AT_END},
  {"authorization", HEADER},
  {"cookie", HEADER},
  {"signature", ALONE},
  {"sig", ALONE},
  {"psk", ALONE},
  {"presharedkey", ANYWHERE},
  {"pre-shared-key", ANYWHERE},
  {"pw", ALONE},
  {"luks_key", AT_END},
  {"luks-key", AT_END},
  {"key", KEY},
};

enum { NAMES = sizeof names / sizeof *names };

static bool begins(const char *s, const char *word)
{
  return strncasecmp(s, word, strlen(word)) == 0;
}

static bool in_name(char c)
{
  return isalnum((unsigned char)c) || c == '_' || c == '-';
}

/* The length of the word at s, if the name of a secret begins there; before: the byte before s, or NUL. */
static size_t secret_name(const char *s, char before, int *kind)
{
  if (!strchr("aceiklpstACEIKLPST", *s) || !*s)
    return 0;
  for (int i = 0; i < NAMES; i++) {
    if (!begins(s, names[i].word))
      continue;
    size_t length = strlen(names[i].word);
    *kind = names[i].kind;
    if (*kind & (AT_END | ALONE | KEY)) {
      bool fits =
        !in_name(s[length]) && !(*kind & ALONE && isalnum((unsigned char)before)) && !(*kind & KEY && (!before || !strchr(".:?&", before)));
      if (!fits)
        continue;
    }
    while (in_name(s[length]))
      length++;
    return length;
  }
  return 0;
}

bool gl_mask_is_name(const char *name)
{
  int kind;
  for (const char *s = name; *s; s++)
    if (secret_name(s, s == name ? '\0' : s[-1], &kind))
      return true;
  return false;
}

/* ---- values ---- */

/* A value in quotes, starting after the opening quote. escaped: the quotes themselves are escaped, as in a text within a text. */
static size_t quoted_length(const char *s, char quote, bool escaped)
{
  size_t n = 0;
  while (s[n] && s[n] != quote && !(escaped && s[n] == '\\' && s[n + 1] == quote))
    n += s[n] == '\\' && s[n + 1] && !escaped ? 2 : 1;
  return n;
}

#define ENDS_VALUE " \t\r\n,;&'\"<>)}"

/* The word, if it is the only one up to the end of the line or clause; NULL: there are more, as in "bad password: too short". What is
 * longer than any word of a language is a value. */
static const char *only_word(const char *s, size_t *length)
{
  *length = strcspn(s, ENDS_VALUE);
  return *length && (*length > LONGEST_WORD || !s[*length] || strchr("\r\n,;'\")}", s[*length])) ? s : NULL;
}

/* "password is x1y": a word with a digit in it; "wrong" has none. */
static const char *word_with_digit(const char *s, size_t *length)
{
  *length = strcspn(s, ENDS_VALUE);
  return strcspn(s, ENDS_VALUE "0123456789") < *length ? s : NULL;
}

typedef struct place {
  const char *begin; /* of the text */
  const char *name;
  size_t name_length;
  int kind;
} place;

/* --password x: the name is an option's, and the value the next word. */
static bool is_option(const place *p)
{
  const char *s = p->name;
  while (s > p->begin && in_name(s[-1]))
    s--;
  return *s == '-' && (s == p->begin || strchr(" \t\n'\"=", s[-1]));
}

static bool stands_before(const place *p, const char *word)
{
  size_t length = strlen(word);
  return (size_t)(p->name - p->begin) >= length && begins(p->name - length, word);
}

/* QEMU's monitor, as people write to it: "set_password vnc x", "change vnc password x". s: after the name and its blanks. */
static const char *monitor_value(const place *p, const char *s, size_t *length)
{
  if (stands_before(p, "set_")) {
    s += strcspn(s, ENDS_VALUE);
    s += strspn(s, " ");
  } else if (!stands_before(p, "change vnc ")) {
    return NULL;
  }
  bool escaped = *s == '\\' && s[1] == '"', quoted = s[escaped] == '"';
  s += escaped + quoted;
  *length = quoted ? quoted_length(s, '"', escaped) : strcspn(s, ENDS_VALUE);
  return *length ? s : NULL;
}

/* secret:///system is the URI of libvirt's driver for secrets. */
static bool is_scheme(const place *p)
{
  return begins(p->name, "secret://") && (p->name == p->begin || !in_name(p->name[-1]));
}

/* In an error, "virSecretDefineXML: no_support" is a call of libvirt's and the kind. */
static bool is_call(const place *p)
{
  const char *s = p->name;
  while (s > p->begin && in_name(s[-1]))
    s--;
  return strncmp(s, "vir", 3) == 0 && s + 3 <= p->name && isupper((unsigned char)s[3]);
}

/* The value after a name, as in password='x', "password": "x", password=x. NULL if none follows. */
static const char *value_after(const place *p, size_t *length)
{
  const char *s = p->name + p->name_length;
  s += *s == '\\';
  s += *s == '"' || *s == '\'';
  const char *gap = s;
  s += strspn(s, " ");
  if (*s != '=' && *s != ':') {
    if (begins(gap, " is "))
      return word_with_digit(gap + strlen(" is "), length);
    const char *value = s > gap ? monitor_value(p, s, length) : NULL;
    if (value || s == gap || *s == '-' || !is_option(p))
      return value;
    *length = strcspn(s, ENDS_VALUE);
    return *length ? s : NULL;
  }
  if (is_scheme(p) || (*s == ':' && is_call(p)))
    return NULL;
  bool colon = *s++ == ':';
  s += strspn(s, " ");
  bool escaped = *s == '\\' && (s[1] == '"' || s[1] == '\'');
  s += escaped;
  if (*s == '"' || *s == '\'') {
    *length = quoted_length(s + 1, *s, escaped);
    return s + 1;
  }
  if (colon && p->kind & HEADER) {
    *length = strcspn(s, "\r\n'\"<>");
    return s;
  }
  if (colon)
    return only_word(s, length);
  bool rbd = p->kind & KEY && p->name[-1] == ':'; /* pool/image:id=a:key=b:auth_supported=c */
  *length = strcspn(s, rbd ? ENDS_VALUE ":" : ENDS_VALUE);
  return s;
}

/* Where an authority ends, and the last @ in it: looked up once for all that begins before its end. */
typedef struct authority {
  const char *end, *at;
} authority;

/* The password of a URI, after "://", up to the last @ of the authority. NULL if there is none. It may have @ and / in it,
 * although it should not; h:22/x@y is a host and its port. */
static const char *uri_password(const char *s, size_t *length, authority *a)
{
  static const char ends[] = " \t\r\n'\"<>";
  size_t user = strcspn(s, ":@/?# \t\r\n'\"<>");
  if (s[user] != ':')
    return NULL;
  const char *value = s + user + 1;
  size_t digits = strspn(value, "0123456789");
  if (digits && value[digits] == '/')
    return NULL;
  if (value >= a->end) {
    *a = (authority){.end = value};
    for (; *a->end && !strchr(ends, *a->end) && strncmp(a->end, "://", 3) != 0; a->end++)
      if (*a->end == '@')
        a->at = a->end;
  }
  *length = a->at >= value ? (size_t)(a->at - value) : 0;
  return a->at >= value ? value : NULL;
}

/* curl's -u user:password, or --user */
static const char *user_password(const char *s, size_t *length)
{
  size_t end = strcspn(s, ENDS_VALUE), user = strcspn(s, ":" ENDS_VALUE);
  *length = user < end ? end - user - 1 : 0;
  return *length ? s + user + 1 : NULL;
}

/* The key itself, after "-----BEGIN ", up to the line that ends it. NULL if it is no private key. */
static const char *private_key(const char *s, size_t *length)
{
  static const char name[] = "PRIVATE KEY-----";
  const char *value = strpbrk(s, "-\r\n");
  value = value && value - s >= (ptrdiff_t)strlen("PRIVATE KEY") ? value - strlen("PRIVATE KEY") : NULL;
  if (!value || strncmp(value, name, strlen(name)) != 0)
    return NULL;
  value += strlen(name);
  const char *end = strstr(value, "-----END ");
  *length = end ? (size_t)(end - value) : strlen(value);
  return value;
}

/* In Lua's syntax error, after "near '": the text of a string of the script, which may be a password. */
static const char *string_literal(const char *s, size_t *length)
{
  if (!*s || !strchr("\"'[", *s) || (*s == '[' && (!s[1] || !strchr("[=", s[1]))))
    return NULL;
  size_t line = strcspn(s, "\r\n");
  while (line > 1 && s[line - 1] != '\'')
    line--;
  *length = line > 2 ? line - 2 : 0;
  return s + 1;
}

/* Appends the text to b (NULL: nowhere) with its secrets masked, and reports each secret to finder (NULL: no report). Its time is linear in
 * the text's length, as texts of guests come through here: what is looked at far ahead is either a value, which is passed over, or
 * remembered. */
static void scan(const char *text, gl_buffer *b, gl_finder *finder)
{
  const char *run = text;
  authority uri = {.end = text};
  bool secret_object = strstr(text, "qom-type") && strstr(text, "secret"); /* QEMU's -object secret,id=x,data=y */
  for (const char *s = text; *s;) {
    const char *value = NULL;
    size_t length = 0;
    place p = {.begin = text, .name = s};
    p.name_length = secret_name(s, s > text ? s[-1] : '\0', &p.kind);
    if (!p.name_length && secret_object && (begins(s, "data=") || begins(s, "data\"")))
      p.name_length = strlen("data");
    if (p.name_length) {
      secret_object = secret_object || begins(s, "secret,");
      value = value_after(&p, &length);
    } else if (begins(s, "://")) {
      value = uri_password(s + 3, &length, &uri);
    } else if (begins(s, " -u ")) {
      value = user_password(s + 4, &length);
    } else if (begins(s, " --user ")) {
      value = user_password(s + 8, &length);
    } else if (begins(s, "-----BEGIN ")) {
      value = private_key(s + 11, &length);
    } else if (begins(s, " near '")) {
      value = string_literal(s + 7, &length);
    }
    if (value && length) {
      if (finder)
        finder->found(finder, value, length);
      if (b) {
        gl_buffer_add(b, run, (size_t)(value - run));
        gl_buffer_add_text(b, GL_MASKED);
      }
      run = value + length;
    }
    s = value ? value + length : s + (p.name_length ? p.name_length : 1);
  }
  if (b)
    gl_buffer_add_text(b, run);
}

char *gl_mask_text(const char *text)
{
  gl_buffer b = {0};
  scan(text, &b, NULL);
  return gl_buffer_take(&b);
}

void gl_mask_find_in_text(const char *text, gl_finder *finder)
{
  scan(text, NULL, finder);
}

char *gl_mask_value(char *text, const char *value)
{
  size_t length = strlen(value);
  if (!text || length < SHORTEST_VALUE || !strstr(text, value))
    return text;
  gl_buffer b = {0};
  const char *rest = text;
  for (const char *found; (found = strstr(rest, value)); rest = found + length) {
    gl_buffer_add(&b, rest, (size_t)(found - rest));
    gl_buffer_add_text(&b, GL_MASKED);
  }
  gl_buffer_add_text(&b, rest);
  free(text);
  return gl_buffer_take(&b);
}
