/* The prompt of the command, by GNU readline. */
#ifndef GL_PROMPT_H
#define GL_PROMPT_H

#include <lua.h>
#include <stdbool.h>

/* Sets open, close, read, prompts, ending, above and size in the table on top of the stack. [-0, +0, m] */
void gl_prompt_open(lua_State *L);

/* Signal handler: whether there is a prompt, which then handles this signal. */
bool gl_prompt_takes_interrupt(int signo);

#endif
