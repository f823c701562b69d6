/*
 * The secrets that a Lua state was given, known by value for as long as it lives: what it prints is searched for them. No lua.h here, and
 * no lock: a state's set is touched on its Lua thread only.
 *
 * With each value its forms are known that we make ourselves: base64, whole and at each place in a longer text, JSON's and XML's escapes.
 */
#ifndef GL_SECRET_H
#define GL_SECRET_H

#include <stddef.h>

typedef struct gl_secrets gl_secrets;

/* What is shown in the place of a secret. */
#define GL_MASKED "***"

/* An empty set; NULL: no memory. */
gl_secrets *gl_secrets_new(void);

/* Wipes and frees it; NULL is harmless. */
void gl_secrets_free(gl_secrets *set);

/* Learns a value. One shorter than four bytes would be found in many places and is left out; of more values than there is room for the
 * oldest is forgotten. */
void gl_secrets_add(gl_secrets *set, const char *value, size_t length);

/* The text with the secrets in it replaced, malloc'ed; NULL: there are none in it, or no set. */
char *gl_secrets_hide(const gl_secrets *set, const char *text, size_t length, size_t *result_length);

#endif
