#include "virt/host/embedded.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "call/trace.h"

/* The longest directory in which a guest with a one-letter name starts: libvirt puts DIR/lib/qemu/domain-ID-NAME/monitor.sock below it (the
 * name cut off at 20), and the address of a socket has 107 characters. */
#define MAX_ROOT 49

static const char qemu_conf[] =
  "# Written by guestlua.embedded, for libvirt's QEMU driver without a daemon. It is written only once: change it as you like.\n"
  "stdio_handler = \"file\" # no virtlogd\n"
  "remember_owner = 0\n";

typedef struct embedded_args {
  gl_args args;
  const char *dir;
} embedded_args;

static const gl_param embedded_params[] = {
  GL_ARG(
    embedded_args, dir, &gl_string,
    "the directory that the driver keeps its state in, at most 49 characters (29 for long names of guests); made if it is missing. One a "
    "process, and one process a directory"),
  GL_END,
};

static _Noreturn void cannot(lua_State *L, const char *what, const char *path)
{
  gl_error_throw(L, "system_error", "embedded: cannot %s '%s': %s", what, path, strerror(errno));
}

/* A dry run opens an existing directory, and makes none. */
static void check_dry_run(lua_State *L, const char *path)
{
  if (gl_is_dry_run(gl_state_get(L)) && access(path, F_OK) < 0)
    gl_error_throw(L, "dry_run", "embedded: a dry run does not make '%s'", path);
}

static void make_directory(lua_State *L, const char *path)
{
  check_dry_run(L, path);
  if (mkdir(path, 0755) < 0 && errno != EEXIST)
    cannot(L, "make the directory", path);
}

static void write_conf(lua_State *L, const char *path)
{
  check_dry_run(L, path);
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0 && errno == EEXIST)
    return;
  if (fd < 0)
    cannot(L, "write", path);
  int why = gl_file_write_all(fd, qemu_conf, sizeof qemu_conf - 1) < 0 ? errno : 0;
  if (close(fd) < 0 && !why)
    why = errno;
  if (!why)
    return;
  unlink(path);
  errno = why;
  cannot(L, "write", path);
}

/* Pushes the path, with the characters escaped that have a meaning in a URI's query. */
static void push_escaped(lua_State *L, const char *path)
{
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (; *path; path++) {
    if (strchr("%?#&;+ \"<>", *path) || (unsigned char)*path >= 0x80) {
      char code[4];
      snprintf(code, sizeof code, "%%%02X", (unsigned char)*path);
      luaL_addstring(&b, code);
    } else {
      luaL_addchar(&b, *path);
    }
  }
  luaL_pushresult(&b);
}

/* Local files, made once: not worth a worker. */
static int embedded_prepare(lua_State *L, gl_args *args)
{
  const char *dir = ((embedded_args *)args)->dir;
  char root[PATH_MAX], path[PATH_MAX + 16];
  make_directory(L, dir);
  if (!realpath(dir, root))
    cannot(L, "find", dir);
  if (strlen(root) > MAX_ROOT)
    gl_error_argument(L, "embedded", "dir",
                      "'%s' has %zu characters: libvirt makes sockets below it, and with more than %d their addresses are too long", root,
                      strlen(root), MAX_ROOT);
  snprintf(path, sizeof path, "%s/etc", root);
  make_directory(L, path);
  snprintf(path, sizeof path, "%s/etc/qemu.conf", root);
  write_conf(L, path);
  push_escaped(L, root);
  lua_pushfstring(L, "qemu:///embed?root=%s", lua_tostring(L, -1));
  return 1;
}
const gl_opdef gl_embedded_prepare = {
  .name = "embedded_uri",
  .help = "Prepares the directory for libvirt's embedded QEMU driver (no daemon, no root) and returns its URI. guestlua.embedded(dir) "
          "opens it too.",
  .result = {"string"},
  .returns = "string: the URI",
  .params = embedded_params,
  .size = sizeof(embedded_args),
  .invoke = embedded_prepare,
};
