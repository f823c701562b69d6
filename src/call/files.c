#include "call/files.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "call/kinds.h"

void gl_files_close(gl_files *files)
{
  for (unsigned i = 0; i < files->count; i++)
    close(files->list[i]);
  free(files->list);
  *files = (gl_files){NULL, 0};
}

/* Adds the file at the index. */
static void add(lua_State *L, int index, const gl_reader *r, gl_files *files)
{
  luaL_Stream *file = luaL_testudata(L, index, LUA_FILEHANDLE);
  if (!file)
    gl_error_argument(L, r->method, r->param->name, "open file expected, got %s", gl_error_type_name(L, index));
  if (!file->closef)
    gl_error_argument(L, r->method, r->param->name, "the file is closed");
  fflush(file->f);
  int fd = fcntl(fileno(file->f), F_DUPFD_CLOEXEC, 3);
  if (fd < 0)
    gl_error_throw(L, "system_error", "%s: cannot use the file: %s", r->method, strerror(errno));
  files->list[files->count++] = fd;
}

static void read_files(lua_State *L, int index, const gl_reader *r)
{
  gl_files *files = r->field;
  bool is_list = lua_istable(L, index);
  lua_Integer count = is_list ? (lua_Integer)lua_rawlen(L, index) : 1;
  if (count == 0 || count > 64)
    gl_error_argument(L, r->method, r->param->name, "from 1 to 64 open files");
  files->list = calloc((size_t)count, sizeof *files->list);
  if (!files->list)
    luaL_error(L, "guestlua: out of memory");
  for (lua_Integer i = 1; i <= count; i++) {
    if (is_list)
      lua_rawgeti(L, index, i);
    add(L, is_list ? -1 : index, r, files);
    if (is_list)
      lua_pop(L, 1);
  }
}

static void show_files(lua_State *L, const gl_param *p, const gl_args *args)
{
  lua_pushfstring(L, "%d open file(s)", (int)((const gl_files *)gl_param_field(p, args))->count);
}
const gl_kind gl_files_kind = {.name = "file or list of files", .takes_table = true, .read = read_files, .show = show_files};

static int close_file(lua_State *L)
{
  luaL_Stream *file = luaL_checkudata(L, 1, LUA_FILEHANDLE);
  return luaL_fileresult(L, fclose(file->f) == 0, NULL);
}

void gl_files_push(lua_State *L, int *fd)
{
  luaL_Stream *file = lua_newuserdatauv(L, sizeof *file, 0);
  file->closef = NULL;
  luaL_setmetatable(L, LUA_FILEHANDLE);
  file->f = fdopen(*fd, "r+");
  if (!file->f)
    luaL_error(L, "cannot open the file: %s", strerror(errno));
  *fd = -1;
  file->closef = close_file;
}
