#include "program/terminal.h"

#include <lauxlib.h>

#include "program/history.h"
#include "program/prompt.h"
#include "program/status_key.h"

int gl_terminal_open(lua_State *L)
{
  static const luaL_Reg functions[] = {{"history", gl_history_open},
                                       {"entries", gl_history_entries},
                                       {"remember", gl_history_add},
                                       {"status_key", gl_status_key},
                                       {NULL, NULL}};
  luaL_newlib(L, functions);
  gl_prompt_open(L);
  return 1;
}
