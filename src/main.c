/* The executable: argv, signals and exit codes. What is run, and how, is lua/guestlua/command.lua. */
#include <getopt.h>
#include <lauxlib.h>
#include <lualib.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guestlua.h"

/* Calls that can be under way at once, on all connections together. libuv reads it once, before the first. */
#define WORKERS "32"

enum { EXIT_SCRIPT = 1, EXIT_USAGE = 2 };

static const char usage[] = "usage: guestlua [OPTION]... [SCRIPT [ARGUMENT]...]\n"
                            "Runs a Lua 5.4 script that drives virtual machines through libvirt.\n"
                            "\n"
                            "  -c, --connect URI    the connection that guestlua.open() makes\n"
                            "  -r, --readonly       make it read-only\n"
                            "  -e STAT              run the statement\n"
                            "  -l MOD               require the module, into a global of its name\n"
                            "  -i, --interactive    then read statements from standard input\n"
                            "  -v, --version        print the versions\n"
                            "  -h, --help           print this\n"
                            "  -                    the script is on standard input\n"
                            "\n"
                            "The script finds the module as guestlua and its arguments in arg and `...`.\n"
                            "Exit: 0; 1 after an error that the script did not catch; 2 for wrong usage;\n"
                            "130 after Ctrl-C, which lets the script clean up (a second one does not).\n";

static const struct option long_options[] = {
  {"connect", required_argument, NULL, 'c'}, {"readonly", no_argument, NULL, 'r'}, {"interactive", no_argument, NULL, 'i'},
  {"version", no_argument, NULL, 'v'},       {"help", no_argument, NULL, 'h'},     {NULL, 0, NULL, 0},
};

static lua_State *interrupted_state;
static volatile sig_atomic_t interrupted_by;

/* The first signal lets the script clean up, the second one kills. */
static void on_signal(int signo)
{
  signal(signo, SIG_DFL);
  interrupted_by = signo;
  guestlua_interrupt(interrupted_state, signo);
}

static void catch_signals(lua_State *L)
{
  struct sigaction action = {.sa_handler = on_signal};
  interrupted_state = L;
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  signal(SIGPIPE, SIG_IGN);
}

/* Appends {kind, value} to the list of steps on top of the stack. */
static void add_step(lua_State *L, const char *kind, const char *value)
{
  lua_createtable(L, 2, 0);
  lua_pushstring(L, kind);
  lua_rawseti(L, -2, 1);
  lua_pushstring(L, value);
  lua_rawseti(L, -2, 2);
  lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
}

static void set_string(lua_State *L, const char *key, const char *value)
{
  lua_pushstring(L, value);
  lua_setfield(L, -2, key);
}

static void set_flag(lua_State *L, const char *key)
{
  lua_pushboolean(L, 1);
  lua_setfield(L, -2, key);
}

/* Pushes {steps=…, uri=…, script=…, …} as argv says; returns the index in argv of the first argument after the options. */
static int read_options(lua_State *L, int argc, char **argv)
{
  lua_newtable(L);
  lua_newtable(L);
  for (int c; (c = getopt_long(argc, argv, "+c:re:l:ivh", long_options, NULL)) != -1;) {
    switch (c) {
    case 'e':
    case 'l':
      add_step(L, c == 'e' ? "statement" : "module", optarg);
      break;
    case 'c':
      lua_insert(L, -2);
      set_string(L, "uri", optarg);
      lua_insert(L, -2);
      break;
    case 'r':
    case 'i':
    case 'v':
      lua_insert(L, -2);
      set_flag(L, c == 'r' ? "readonly" : c == 'i' ? "interactive" : "version");
      lua_insert(L, -2);
      break;
    case 'h':
      fputs(usage, stdout);
      exit(fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_SCRIPT);
    default: /* getopt_long has said what is wrong */
      fputs("Try 'guestlua --help'.\n", stderr);
      exit(EXIT_USAGE);
    }
  }
  lua_setfield(L, -2, "steps");
  return optind;
}

/* arg, as lua(1) makes it: the script at 0, what comes before it below. */
static void set_arg(lua_State *L, int argc, char **argv, int script)
{
  lua_createtable(L, argc, script + 1);
  for (int i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i - script);
  }
  lua_setglobal(L, "arg");
}

/* Protected: opens everything and leaves the command's main function and its arguments on the stack. */
static int prepare(lua_State *L)
{
  int argc = (int)lua_tointeger(L, 1);
  char **argv = lua_touserdata(L, 2);
  luaL_openlibs(L);
  luaL_requiref(L, "guestlua", luaopen_guestlua, 1);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "guestlua.command");
  lua_call(L, 1, 1);
  int script = read_options(L, argc, argv);
  bool has_script = script < argc;
  if (has_script)
    set_string(L, "script", argv[script]);
  set_arg(L, argc, argv, has_script ? script : 0);
  int extra = has_script ? argc - script - 1 : 0;
  luaL_checkstack(L, extra, "too many arguments");
  for (int i = 0; i < extra; i++)
    lua_pushstring(L, argv[script + 1 + i]);
  return 2 + extra;
}

/* Whether a traceback of that length shows a line of Lua code. */
static bool shows_code(const char *traceback, int length)
{
  for (const char *c = traceback; c + 2 < traceback + length; c++)
    if (c[0] == '\n' && c[1] == '\t' && c[2] != '[')
      return true;
  return false;
}

/* The error value and then the traceback are on top of the stack. What called the script is ours and not shown. */
static void report(lua_State *L)
{
  const char *traceback = lua_tostring(L, -1);
  const char *message = luaL_tolstring(L, -2, NULL);
  const char *ours = strstr(traceback, "\n\tguestlua/command.lua:");
  int length = (int)(ours ? ours - traceback : (ptrdiff_t)strlen(traceback));
  bool frames = shows_code(traceback, length);
  fprintf(stderr, "guestlua: %s\n%.*s%s", message, frames ? length : 0, traceback, frames ? "\n" : "");
}

static int run(lua_State *L, int argc, char **argv)
{
  lua_pushcfunction(L, prepare);
  lua_pushinteger(L, argc);
  lua_pushlightuserdata(L, argv);
  if (lua_pcall(L, 2, LUA_MULTRET, 0) != LUA_OK) {
    lua_pushliteral(L, "");
    report(L);
    return EXIT_SCRIPT;
  }
  catch_signals(L);
  int status = guestlua_run(L, lua_gettop(L) - 1);
  if (status != LUA_OK)
    report(L);
  return status == LUA_OK ? EXIT_SUCCESS : interrupted_by ? 128 + interrupted_by : EXIT_SCRIPT;
}

int main(int argc, char **argv)
{
  setenv("UV_THREADPOOL_SIZE", WORKERS, 0);
  setenv("LIBVIRT_DEBUG", "error", 0); /* the embedded driver warns of ordinary things on standard error */
  lua_State *L = luaL_newstate();
  if (!L) {
    fputs("guestlua: out of memory\n", stderr);
    return EXIT_SCRIPT;
  }
  int status = run(L, argc, argv);
  lua_close(L);
  guestlua_end();
  return fflush(stdout) == 0 || status != EXIT_SUCCESS ? status : EXIT_SCRIPT;
}
