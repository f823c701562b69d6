#include "program/history.h"

#include <fcntl.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "program/readline.h"

enum { HISTORY_LINES = 2000 };

static char *path;

/* Makes the directories of the path, if they are missing. */
static void make_directories(char *to)
{
  for (char *c = to + 1; (c = strchr(c, '/')); c++) {
    *c = '\0';
    mkdir(to, 0700);
    *c = '/';
  }
}

/* history(path): reads the file, and appends each later entry to it. A time stamp keeps an entry of several lines together. */
int gl_history_open(lua_State *L)
{
  free(path);
  path = strdup(luaL_checkstring(L, 1));
  *gl_rl->history_comment_char = '#';
  *gl_rl->history_write_timestamps = 1;
  gl_rl->using_history();
  make_directories(path);
  int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600); /* append_history does not create it */
  if (fd >= 0)
    close(fd);
  gl_rl->read_history(path);
  gl_rl->stifle_history(HISTORY_LINES);
  gl_rl->history_truncate_file(path, HISTORY_LINES);
  return 0;
}

/* entries(): a list of the lines in the history, oldest first. */
int gl_history_entries(lua_State *L)
{
  HIST_ENTRY **all = gl_rl ? gl_rl->history_list() : NULL; /* only a prompt has one */
  lua_newtable(L);
  for (int i = 0; all && all[i]; i++) {
    lua_pushstring(L, all[i]->line);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* remember(text, keep): adds it to the history, and, if it is to be kept, to the file. False if that could not be written. */
int gl_history_add(lua_State *L)
{
  const char *text = luaL_checkstring(L, 1);
  const HIST_ENTRY *last = gl_rl->history_get(*gl_rl->history_base + *gl_rl->history_length - 1);
  lua_pushboolean(L, 1);
  if (last && strcmp(last->line, text) == 0)
    return 1;
  gl_rl->add_history(text);
  lua_pushboolean(L, !lua_toboolean(L, 2) || (path && gl_rl->append_history(1, path) == 0));
  return 1;
}
