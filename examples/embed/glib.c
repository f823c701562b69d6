/*
 * A program with GLib's main loop, on which libvirt's events come too: guestlua starts no thread for them.
 *
 *   cc -o glib glib.c $(pkg-config --cflags --libs guestlua glib-2.0)
 *   ./glib test:///default test watch.lua
 *
 * It suspends and resumes the guest, and ends. What is different from loop.c is the source and the options.
 */
#include <glib.h>
#include <guestlua.h>
#include <lauxlib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

typedef struct program {
  lua_State *L;
  GMainLoop *loop;
  virDomainPtr dom;
  int step;
} program;

/* ---- guestlua as a source of the main loop ---- */

typedef struct source {
  GSource source;
  gpointer tag;
  program *program;
} source;

static gboolean prepare(GSource *s, gint *timeout)
{
  *timeout = guestlua_timeout(((source *)s)->program->L);
  return *timeout == 0;
}

static gboolean check(GSource *s)
{
  source *self = (source *)s;
  return g_source_query_unix_fd(s, self->tag) || guestlua_timeout(self->program->L) == 0;
}

static gboolean dispatch(GSource *s, GSourceFunc callback, gpointer data)
{
  (void)callback;
  (void)data;
  program *p = ((source *)s)->program;
  if (guestlua_dispatch(p->L) <= 0)
    g_main_loop_quit(p->loop);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs functions = {.prepare = prepare, .check = check, .dispatch = dispatch};

static void attach(program *p)
{
  source *s = (source *)g_source_new(&functions, sizeof *s);
  s->program = p;
  s->tag = g_source_add_unix_fd(&s->source, guestlua_fd(p->L), G_IO_IN);
  g_source_attach(&s->source, NULL);
  g_source_unref(&s->source);
}

/* ---- the program ---- */

/* Protected; 1: the domain, 2: the script's path */
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

static gboolean on_timer(gpointer data)
{
  program *p = data;
  switch (p->step++) {
  case 0:
    virDomainSuspend(p->dom);
    return G_SOURCE_CONTINUE;
  case 1:
    virDomainResume(p->dom);
    return G_SOURCE_CONTINUE;
  default:
    guestlua_interrupt(p->L, SIGTERM);
    return G_SOURCE_REMOVE;
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
  fprintf(stderr, "glib: %s\n%s\n", error, traceback);
  return 1;
}

static int run(program *p, char *path)
{
  lua_State *L = p->L;
  lua_pushcfunction(L, start);
  lua_pushlightuserdata(L, p->dom);
  lua_pushlightuserdata(L, path);
  if (lua_pcall(L, 2, 1, 0) != LUA_OK) {
    fprintf(stderr, "glib: %s\n", guestlua_text(L, -1));
    return 1;
  }
  p->loop = g_main_loop_new(NULL, FALSE);
  attach(p);
  g_timeout_add(1000, on_timer, p); /* the script has to be watching by then */
  g_main_loop_run(p->loop);
  g_main_loop_unref(p->loop);
  return guestlua_result(L, -1) == LUA_OK ? 0 : failed(L);
}

int main(int argc, char **argv)
{
  char why[200];
  int status = 1;
  if (argc != 4) {
    fprintf(stderr, "usage: glib URI GUEST SCRIPT\n");
    return 2;
  }
  virEventRegisterDefaultImpl(); /* its loop is GLib's default main context */
  guestlua_options options = {.size = sizeof options, .own_event_loop = true};
  program p = {.L = guestlua_new(&options, why, sizeof why)};
  if (!p.L) {
    fprintf(stderr, "glib: %s\n", why);
    return 1;
  }
  virConnectPtr conn = virConnectOpen(argv[1]);
  p.dom = conn ? virDomainLookupByName(conn, argv[2]) : NULL;
  if (p.dom)
    status = run(&p, argv[3]);
  else
    fprintf(stderr, "glib: there is no guest %s on %s\n", argv[2], argv[1]);
  guestlua_free(p.L);
  if (p.dom)
    virDomainFree(p.dom);
  if (conn)
    virConnectClose(conn);
  return status;
}
