/* Texts for people, without the secrets in them. */
#ifndef GL_MASKED_H
#define GL_MASKED_H

#include <lua.h>

/* Pushes the text with what reads like a secret masked; nil for NULL. [-0, +1, m] */
void gl_masked_push(lua_State *L, const char *text);

/* Pushes a text that was masked already and frees it. NULL (there was no memory to mask it) pushes nothing of the secret. [-0, +1, m] */
void gl_masked_push_taken(lua_State *L, char *masked);

/* Sets mask and mask_xml in the table on top of the stack. [-0, +0, m] */
void gl_masked_open(lua_State *L);

#endif
