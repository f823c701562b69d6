/* A question to whoever sits at the terminal. */
#ifndef GL_ASK_H
#define GL_ASK_H

#include "call/op.h"

/* core.ask(question, {secret=}): the line that was typed, nil if there was none; with `secret` it is not shown. An error of kind
 * "no_terminal" if nobody can be asked: this process has no terminal, or is in its background. */
extern const gl_opdef gl_ask;

#endif
