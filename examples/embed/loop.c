/*
 * A program with a loop and a libvirt connection of its own. A script hears what happens to a guest, and nothing ever blocks the loop for
 * it:
 *
 *   cc -o loop loop.c $(pkg-config --cflags --libs guestlua)
 *   ./loop test:///default test watch.lua
 *
 * It reads commands: suspend, resume. The end of standard input ends it.
 */
#include <errno.h>
#include <guestlua.h>
#include <lauxlib.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Protected; 1: the domain, 2: the script's path. What raises errors is in here. */
static int start(lua_State *L)
{
  const char *path = lua_touserdata(L, 2);
  if (luaL_loadfilex(L, path, "t") != LUA_OK)
    return lua_error(L);
  guestlua_push_domain(L, lua_touserdata(L, 1));
  if (guestlua_spawn(L, 1) != LUA_OK)
    return lua_error(L);
  return 1; /* the Task */
}

/* Whether there may be more commands. */
static bool obey(virDomainPtr dom)
{
  char line[100];
  ssize_t length = read(STDIN_FILENO, line, sizeof line - 1);
  if (length <= 0)
    return false;
  line[length] = '\0';
  for (char *word = strtok(line, "\n"); word; word = strtok(NULL, "\n")) {
    int rc = strcmp(word, "suspend") == 0 ? virDomainSuspend(dom) : strcmp(word, "resume") == 0 ? virDomainResume(dom) : -1;
    fprintf(stderr, "loop: %s: %s\n", word, rc < 0 ? "failed" : "done");
  }
  return true;
}

/* Until the script has ended. */
static void loop(lua_State *L, virDomainPtr dom)
{
  bool reads = true;
  while (guestlua_dispatch(L) > 0) {
    struct pollfd fds[] = {{.fd = guestlua_fd(L), .events = POLLIN}, {.fd = reads ? STDIN_FILENO : -1, .events = POLLIN}};
    if (poll(fds, 2, guestlua_timeout(L)) < 0 && errno != EINTR)
      return;
    if (fds[1].revents && !obey(dom)) {
      reads = false;
      guestlua_interrupt(L, SIGTERM); /* what the script's to-be-closed variables undo may take some more turns */
    }
  }
}

/* The error value and then the traceback are on top of the stack. */
static int failed(lua_State *L)
{
  if (lua_istable(L, -2)) {
    lua_getfield(L, -2, "kind");
    bool asked = lua_isstring(L, -1) && strcmp(lua_tostring(L, -1), "interrupted") == 0; /* that was we */
    lua_pop(L, 1);
    if (asked)
      return 0;
  }
  const char *traceback = lua_tostring(L, -1), *error = guestlua_text(L, -2);
  fprintf(stderr, "loop: %s\n%s\n", error, traceback);
  return 1;
}

static int run(lua_State *L, virDomainPtr dom, char *path)
{
  lua_pushcfunction(L, start);
  lua_pushlightuserdata(L, dom);
  lua_pushlightuserdata(L, path);
  if (lua_pcall(L, 2, 1, 0) != LUA_OK) {
    fprintf(stderr, "loop: %s\n", guestlua_text(L, -1));
    return 1;
  }
  loop(L, dom);
  int status = guestlua_result(L, -1);
  if (status == GUESTLUA_RUNNING)
    fprintf(stderr, "loop: the script runs still\n");
  return status == LUA_OK ? 0 : status == GUESTLUA_RUNNING ? 1 : failed(L);
}

int main(int argc, char **argv)
{
  char why[200];
  int status = 1;
  if (argc != 4) {
    fprintf(stderr, "usage: loop URI GUEST SCRIPT\n");
    return 2;
  }
  /* Before the connection is opened: it has events only where libvirt's event loop was there first, and here that is guestlua's thread. */
  lua_State *L = guestlua_new(NULL, why, sizeof why);
  if (!L) {
    fprintf(stderr, "loop: %s\n", why);
    return 1;
  }
  virConnectPtr conn = virConnectOpen(argv[1]);
  virDomainPtr dom = conn ? virDomainLookupByName(conn, argv[2]) : NULL;
  if (dom)
    status = run(L, dom, argv[3]);
  else
    fprintf(stderr, "loop: there is no guest %s on %s\n", argv[2], argv[1]);
  guestlua_free(L);
  if (dom)
    virDomainFree(dom);
  if (conn)
    virConnectClose(conn);
  return status;
}
