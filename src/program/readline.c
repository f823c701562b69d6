#include "program/readline.h"

#include <dlfcn.h>

#include "base/error.h"

const gl_readline *gl_rl;

static _Noreturn void fail(lua_State *L)
{
  gl_error_push(L, "missing_module");
  lua_pushfstring(L, "the prompt needs GNU readline: %s", dlerror());
  lua_setfield(L, -2, "message");
  gl_error_set(L, "hint", "install it: Debian has it as libreadline8, others as readline");
  lua_error(L);
  __builtin_unreachable();
}

void gl_readline_load(lua_State *L)
{
  static gl_readline found;
  if (gl_rl)
    return;
  void *library = dlopen(GL_READLINE_FILE, RTLD_LAZY);
#define FOUND(name) &&(found.name = dlsym(library, #name))
  if (!(library GL_READLINE(FOUND)))
    fail(L);
  gl_rl = &found;
}
