/*
 * What libvirt asks for to let somebody in, and the answers.
 *
 * Nobody waits inside of libvirt for an answer, which may be a person's: if one is missing the attempt to connect fails, and Lua asks for
 * what was missing and tries again. A connection keeps the answers for when it is opened again.
 */
#ifndef GL_CREDENTIALS_H
#define GL_CREDENTIALS_H

#include <libvirt/libvirt.h>
#include <lua.h>

typedef struct gl_credentials gl_credentials;

/* Pushes new ones: methods asked() and answer(number, text). [-0, +1, e] */
int gl_credentials_push(lua_State *L);

/* Those at the index, counted once more; NULL: there are none there. [-0, +0, -] */
gl_credentials *gl_credentials_at(lua_State *L, int index);

/* Pushes a list of those that have an answer, as {type, prompt, challenge, answer}. c may be NULL. [-0, +1, e] */
void gl_credentials_push_answers(lua_State *L, const gl_credentials *c);

void gl_credentials_unref(gl_credentials *c); /* NULL is harmless; any thread */

/* virConnectOpenAuth with them. One attempt at a time. Any thread. */
virConnectPtr gl_credentials_open(gl_credentials *c, const char *uri, unsigned flags);

/* Makes their class. [-0, +0, e] */
void gl_credentials_open_class(lua_State *L);

#endif
