/*
 * Image files, identified by device and inode.
 *
 * A path is walked one directory at a time, and a symbolic link is followed only if root or this user owns it: a link of another user
 * cannot lead root astray. Functions that can fail give nil, the error's name ("ENOENT", "EEXIST", "ESTALE" or "other") and a text.
 */
#define _GNU_SOURCE
#include "base/image_file.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* As the kernel has it. */
#define MOST_LINKS 40

/* QEMU locks bytes of an image that it has open, from these two offsets on: its own uses of the image, and those it forbids to others. */
#define QEMU_LOCKS_FROM 100
#define QEMU_LOCKS_UP_TO 300

/* The names that something depends on. */
static const char *name_of(int why)
{
  switch (why) {
  case ENOENT:
  case ENOTDIR:
    return "ENOENT";
  case EEXIST:
    return "EEXIST";
  case ESTALE:
    return "ESTALE";
  default:
    return "other";
  }
}

static int fail(lua_State *L, int why)
{
  lua_pushnil(L);
  lua_pushstring(L, name_of(why));
  lua_pushstring(L, strerror(why));
  return 3;
}

static bool is_trusted(const struct stat *st)
{
  return st->st_uid == 0 || st->st_uid == geteuid();
}

/* Puts the target of a symbolic link before the rest of the path. 0, or -1 with errno. */
static int follow(int at, const char *name, char *path, const char *rest)
{
  char target[PATH_MAX], joined[PATH_MAX];
  ssize_t n = readlinkat(at, name, target, sizeof target - 1);
  if (n < 0)
    return -1;
  target[n] = '\0';
  if (snprintf(joined, sizeof joined, "%s/%s", target, rest) >= (int)sizeof joined) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(path, joined);
  return 0;
}

/*
 * Opens the directory that holds the last part of an absolute path, and points *name at that part. The descriptor, or -1 with errno: EPERM
 * if the path passes through a link that another user owns.
 */
static int open_directory(const char *path, char *room, const char **name)
{
  int links = 0, dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (*path != '/' || snprintf(room, PATH_MAX, "%s", path) >= PATH_MAX) {
    close(dir);
    errno = *path == '/' ? ENAMETOOLONG : EINVAL;
    return -1;
  }
  char *rest = room;
  while (dir >= 0) {
    rest += strspn(rest, "/");
    size_t length = strcspn(rest, "/");
    char *after = rest + length + strspn(rest + length, "/");
    if (!*after) {
      rest[length] = '\0';
      *name = rest;
      return dir;
    }
    rest[length] = '\0';
    struct stat st;
    int next = openat(dir, rest, O_PATH | O_NOFOLLOW | O_CLOEXEC), why = errno;
    if (next >= 0 && fstat(next, &st) == 0 && S_ISLNK(st.st_mode)) {
      close(next);
      next = -1;
      why = !is_trusted(&st) ? EPERM : ++links > MOST_LINKS ? ELOOP : 0;
      char moved[PATH_MAX];
      strcpy(moved, after);
      if (!why && follow(dir, rest, room, moved) < 0)
        why = errno;
      if (!why && *room == '/')
        next = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
      else if (!why)
        next = fcntl(dir, F_DUPFD_CLOEXEC, 0);
      rest = room;
    } else {
      rest = after;
    }
    if (next < 0 && !why)
      why = errno;
    close(dir);
    dir = next;
    errno = why;
  }
  return -1;
}

/* A file as it was found. */
typedef struct identity {
  struct stat st;
  struct statx x; /* its birth, if x.stx_mask says so */
} identity;

static void push_stat(lua_State *L, const struct stat *st)
{
  lua_createtable(L, 0, 5);
  lua_pushinteger(L, (lua_Integer)st->st_dev);
  lua_setfield(L, -2, "dev");
  lua_pushinteger(L, (lua_Integer)st->st_ino);
  lua_setfield(L, -2, "ino");
  lua_pushinteger(L, st->st_size);
  lua_setfield(L, -2, "size");
  lua_pushboolean(L, S_ISREG(st->st_mode));
  lua_setfield(L, -2, "regular");
  lua_pushboolean(L, S_ISREG(st->st_mode) || S_ISBLK(st->st_mode));
  lua_setfield(L, -2, "readable"); /* without waiting, as a pipe may */
  lua_pushboolean(L, (st->st_mode & 0222) != 0);
  lua_setfield(L, -2, "writable"); /* for somebody */
  lua_pushfstring(L, "%I.%d", (lua_Integer)st->st_mtim.tv_sec, (int)st->st_mtim.tv_nsec);
  lua_setfield(L, -2, "written");
}

/* flags: of statx. */
static void look_at_birth(identity *i, int dir, const char *name, int flags)
{
  if (statx(dir, name, flags, STATX_BTIME, &i->x) < 0)
    i->x.stx_mask = 0;
}

/* With `born`, the time the file was made, if its file system keeps that: inode numbers are reused, often for the very next file. */
static int push_identity(lua_State *L, const identity *i)
{
  push_stat(L, &i->st);
  if (i->x.stx_mask & STATX_BTIME) {
    lua_pushfstring(L, "%I.%d", (lua_Integer)i->x.stx_btime.tv_sec, (int)i->x.stx_btime.tv_nsec);
    lua_setfield(L, -2, "born");
  }
  return 1;
}

/* As far as this process may: programs that can open the one image must be able to open the other too. */
static void give_to_owner_of(int fd, const char *like)
{
  struct stat st;
  if (like && stat(like, &st) == 0 && fchown(fd, st.st_uid, st.st_gid) == 0)
    fchmod(fd, S_IRUSR | S_IWUSR | (st.st_mode & (S_IRGRP | S_IWGRP)));
}

/* core.make_image(path, like): an empty file that was not there before, of the owner of the image `like`: { dev, ino, size, regular,
 * readable, born }. */
static int make_image(lua_State *L)
{
  char room[PATH_MAX];
  const char *name, *like = luaL_optstring(L, 2, NULL);
  identity made;
  int dir = open_directory(luaL_checkstring(L, 1), room, &name);
  if (dir < 0)
    return fail(L, errno);
  int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd >= 0)
    give_to_owner_of(fd, like);
  int why = fd < 0 || fstat(fd, &made.st) < 0 ? errno : 0;
  if (fd >= 0)
    close(fd);
  look_at_birth(&made, dir, name, AT_SYMLINK_NOFOLLOW);
  close(dir);
  return why ? fail(L, why) : push_identity(L, &made);
}

/* core.find_image(path): the file of that name now, without following a link: { dev, ino, size, regular, readable, born }. */
static int find_image(lua_State *L)
{
  char room[PATH_MAX];
  const char *name;
  identity found;
  int dir = open_directory(luaL_checkstring(L, 1), room, &name);
  if (dir < 0)
    return fail(L, errno);
  int why = fstatat(dir, name, &found.st, AT_SYMLINK_NOFOLLOW) < 0 ? errno : 0;
  look_at_birth(&found, dir, name, AT_SYMLINK_NOFOLLOW);
  close(dir);
  return why ? fail(L, why) : push_identity(L, &found);
}

/* core.identify(path): the file that a name leads to, with links followed as in open(): { dev, ino, size, regular, readable }. */
static int identify(lua_State *L)
{
  identity found;
  const char *path = luaL_checkstring(L, 1);
  if (stat(path, &found.st) < 0)
    return fail(L, errno);
  look_at_birth(&found, AT_FDCWD, path, 0);
  return push_identity(L, &found);
}

/* core.real_path(path): the path of the file that a name leads to, without links. */
static int real_path(lua_State *L)
{
  char path[PATH_MAX];
  if (!realpath(luaL_checkstring(L, 1), path))
    return fail(L, errno);
  lua_pushstring(L, path);
  return 1;
}

/* core.remove_image(path, dev, ino): true once the name is gone; it is removed only if it still is that file (ESTALE: it is another). */
static int remove_image(lua_State *L)
{
  char room[PATH_MAX];
  const char *name;
  struct stat st;
  lua_Integer dev = luaL_checkinteger(L, 2), ino = luaL_checkinteger(L, 3);
  int dir = open_directory(luaL_checkstring(L, 1), room, &name), why = 0;
  if (dir < 0)
    return fail(L, errno);
  if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
    why = errno;
  else if ((lua_Integer)st.st_dev != dev || (lua_Integer)st.st_ino != ino || !S_ISREG(st.st_mode))
    why = ESTALE;
  else if (unlinkat(dir, name, 0) < 0)
    why = errno;
  close(dir);
  if (why)
    return fail(L, why);
  lua_pushboolean(L, true);
  return 1;
}

/* core.image_lock(path): whether a QEMU, qemu-img or qemu-nbd has the file open, judged by the locks they set; and, of a block device,
 * whether this host has it in use, with the text that says so. */
static int image_lock(lua_State *L)
{
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = QEMU_LOCKS_FROM, .l_len = QEMU_LOCKS_UP_TO - QEMU_LOCKS_FROM};
  const char *path = luaL_checkstring(L, 1);
  const int how = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  struct stat st = {0};
  int fd = open(path, how);
  int why = fd < 0 || fcntl(fd, F_OFD_GETLK, &lock) < 0 || fstat(fd, &st) < 0 ? errno : 0;
  if (fd >= 0)
    close(fd);
  if (why)
    return fail(L, why);
  lua_pushboolean(L, lock.l_type != F_UNLCK);
  if (lock.l_type != F_UNLCK || !S_ISBLK(st.st_mode))
    return 1;
  fd = open(path, how | O_EXCL); /* the kernel's way to ask who has claimed it */
  if (fd >= 0)
    close(fd);
  else if (errno == EBUSY) {
    lua_pushboolean(L, true);
    lua_pushliteral(L, "this host has it in use: it is mounted, or part of another device");
    return 2;
  }
  return 1;
}

void gl_image_file_open(lua_State *L)
{
  static const luaL_Reg functions[] = {{"make_image", make_image},
                                       {"find_image", find_image},
                                       {"identify", identify},
                                       {"remove_image", remove_image},
                                       {"image_lock", image_lock},
                                       {"real_path", real_path},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
