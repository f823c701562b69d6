#include "program/status_key.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <unistd.h>

#include "guestlua.h"
#include "loop/state.h"
#include "program/settings.h"

static uv_poll_t *keys;

static void on_key(uv_poll_t *poll, int status, int events)
{
  char pressed[64];
  (void)events;
  if (status < 0 || read(STDIN_FILENO, pressed, sizeof pressed) <= 0)
    uv_poll_stop(poll);
  else
    guestlua_status(((gl_state *)poll->data)->L);
}

static void free_handle(uv_handle_t *handle)
{
  free(handle);
}

static int close_keys(lua_State *L)
{
  (void)L;
  if (keys)
    uv_close((uv_handle_t *)keys, free_handle);
  keys = NULL;
  gl_terminal_restore();
  return 0;
}

int gl_status_key(lua_State *L)
{
  gl_state *s = gl_state_get(L);
  struct termios raw;
  if (keys || !isatty(STDIN_FILENO) || tcgetpgrp(STDIN_FILENO) != getpgrp() || !gl_terminal_keep(&raw))
    return 0;
  raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
  tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  keys = malloc(sizeof *keys);
  if (!keys || uv_poll_init(&s->loop, keys, STDIN_FILENO) != 0)
    return luaL_error(L, "guestlua: cannot use the terminal");
  keys->data = s;
  uv_poll_start(keys, UV_READABLE, on_key);
  /* anchors the userdata that closes the handle with the state */
  lua_newuserdatauv(L, 0, 0);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, close_keys);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  luaL_ref(L, LUA_REGISTRYINDEX);
  lua_pushboolean(L, 1);
  return 1;
}
