/*
 * The secrets passed to a Lua state, known by value for the life of the state: everything it prints is searched for them. No lua.h here,
 * and no lock: a state's set is touched on its Lua thread only.
 *
 * The set also holds the forms of each value that this library produces: base64, alone and at any place in a longer text, and the escapes
 * of JSON and XML.
 */
#ifndef GL_SECRET_H
#define GL_SECRET_H

#include <stddef.h>

typedef struct gl_secrets gl_secrets;

/* Shown in place of a secret. */
#define GL_MASKED "***"

/* An empty set; NULL: no memory. */
gl_secrets *gl_secrets_new(void);

/* Wipes and frees it; NULL is harmless. */
void gl_secrets_free(gl_secrets *set);

/* Adds a value. A value shorter than four bytes would match in many places and is left out. If the set is full, the oldest value is
 * forgotten. */
void gl_secrets_add(gl_secrets *set, const char *value, size_t length);

/* The text with the secrets in it replaced, malloc'ed; NULL: there are none in it, or no set. */
char *gl_secrets_hide(const gl_secrets *set, const char *text, size_t length, size_t *result_length);

#endif
