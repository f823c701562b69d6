/* The executable: argv, signals and exit codes. lua/guestlua/command/init.lua interprets the options and runs the command. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <lauxlib.h>
#include <lualib.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guestlua.h"
#include "loop/luv.h"
#include "program/confined.h"
#include "program/prompt.h"
#include "program/settings.h"
#include "program/terminal.h"
#include "text/nearest.h"

enum { EXIT_SCRIPT = 1, EXIT_USAGE = 2, MAX_OPTIONS = 100 };

/* ---- signals ---- */

static lua_State *volatile running_state; /* NULL: it is over */
static volatile sig_atomic_t interrupted_by;

/* The first signal lets the script clean up, a second one kills; at the prompt Ctrl-C clears the line, any number of times. A terminal
 * that goes away sends several SIGHUP, so a second SIGHUP does not kill. */
static void on_interrupt(int signo)
{
  int before = errno;
  if (interrupted_by && signo == SIGHUP)
    return;
  if (!running_state || interrupted_by) {
    static const char message[] = "guestlua: ended before it was cleaned up; guestlua recover takes back what a workflow has left\n";
    gl_terminal_restore();
    if (running_state)
      (void)!write(STDERR_FILENO, message, sizeof message - 1);
    signal(signo, SIG_DFL);
    raise(signo); /* delivered when this handler returns */
    return;
  }
  if (!gl_prompt_takes_interrupt(signo))
    interrupted_by = signo;
  guestlua_interrupt(running_state, signo);
  errno = before;
}

/* A reader has gone. The script ends only if it was reading our standard output. */
static void on_pipe(int signo)
{
  int before = errno;
  struct pollfd output = {.fd = STDOUT_FILENO};
  if (running_state && !interrupted_by && poll(&output, 1, 0) == 1 && output.revents & POLLERR) {
    interrupted_by = signo;
    guestlua_interrupt(running_state, signo);
  }
  errno = before;
}

static void on_status(int signo)
{
  int before = errno;
  (void)signo;
  if (running_state)
    guestlua_status(running_state);
  errno = before;
}

static void catch_signals(lua_State *L)
{
  /* Reads of standard input are interrupted, but not by a request for the status. */
  static const struct {
    int signo, flags;
    void (*handler)(int);
  } signals[] = {{SIGINT, 0, on_interrupt},
                 {SIGTERM, 0, on_interrupt},
                 {SIGHUP, 0, on_interrupt},
                 {SIGPIPE, SA_RESTART, on_pipe},
                 {SIGUSR1, SA_RESTART, on_status}};
  running_state = L;
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
    struct sigaction action = {.sa_handler = signals[i].handler, .sa_flags = signals[i].flags}, before;
    sigaction(signals[i].signo, &action, &before);
    if (signals[i].signo == SIGHUP && before.sa_handler == SIG_IGN) /* nohup */
      sigaction(SIGHUP, &before, NULL);
  }
}

/* ---- options ---- */

/* The rows of lua/guestlua/command/options.lua, as getopt_long takes them. */
typedef struct option_table {
  char shorts[2 * MAX_OPTIONS + 2];
  struct option longs[MAX_OPTIONS + 1];
  int by_short[256]; /* row numbers */
} option_table;

/* Seconds that the end of the process waits for abandoned calls. */
enum { PATIENCE = 10 };

enum { LONG_OPTION = 256 }; /* what getopt_long returns for the long form, plus the row's number */

static const char *field(lua_State *L, int index, const char *key)
{
  lua_getfield(L, index, key);
  const char *value = lua_tostring(L, -1); /* the row keeps it alive */
  lua_pop(L, 1);
  return value;
}

/* The list of rows is on top of the stack. */
static void make_table(lua_State *L, option_table *t)
{
  char *shorts = t->shorts;
  struct option *longs = t->longs;
  int rows = (int)lua_rawlen(L, -1);
  if (rows > MAX_OPTIONS)
    luaL_error(L, "too many options");
  *shorts++ = '+'; /* options end at the script */
  for (int i = 1; i <= rows; i++, lua_pop(L, 1)) {
    lua_rawgeti(L, -1, i);
    const char *letter = field(L, -1, "short"), *name = field(L, -1, "long");
    bool has_argument = field(L, -1, "argument");
    if (letter) {
      t->by_short[(unsigned char)*letter] = i;
      *shorts++ = *letter;
      if (has_argument)
        *shorts++ = ':';
    }
    if (name)
      *longs++ = (struct option){name, has_argument ? required_argument : no_argument, NULL, LONG_OPTION + i};
  }
}

static _Noreturn void usage_error(const char *message)
{
  if (message)
    fprintf(stderr, "guestlua: %s\n", message);
  fputs("Try 'guestlua --help'.\n", stderr);
  exit(EXIT_USAGE);
}

/* getopt_long has reported that there is no such option: which one may have been meant. */
static void suggest_option(const option_table *table, const char *word)
{
  char name[64];
  if (strncmp(word, "--", 2) != 0)
    return;
  snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="), word + 2);
  gl_nearest near = {.name = name};
  for (const struct option *o = table->longs; o->name; o++)
    gl_nearest_add(&near, o->name);
  if (near.found && strcmp(near.found, name) != 0)
    fprintf(stderr, "guestlua: is '--%s' meant?\n", near.found);
}

/* Pushes a list of the options in argv, each {row, argument}; returns the index in argv of the first argument after the options. */
static int read_options(lua_State *L, int argc, char **argv)
{
  option_table table = {0};
  lua_getglobal(L, "require");
  lua_pushliteral(L, "guestlua.command.options");
  lua_call(L, 1, 1);
  make_table(L, &table);
  lua_newtable(L);
  for (int c; (c = getopt_long(argc, argv, table.shorts, table.longs, NULL)) != -1;) {
    if (c == '?') {
      suggest_option(&table, argv[optind - 1]);
      usage_error(NULL);
    }
    lua_createtable(L, 2, 0);
    lua_rawgeti(L, -3, c >= LONG_OPTION ? c - LONG_OPTION : table.by_short[c]);
    lua_rawseti(L, -2, 1);
    lua_pushstring(L, optarg);
    lua_rawseti(L, -2, 2);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  }
  lua_remove(L, -2);
  return optind;
}

/* arg, as lua(1) makes it: the script at 0, the arguments before it at negative indices. */
static void set_arg(lua_State *L, int argc, char **argv, int script)
{
  lua_createtable(L, argc, script + 1);
  for (int i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i - script);
  }
  lua_setglobal(L, "arg");
}

/* Opens Lua's package library again, this time without reading the environment. Loaded modules are kept. */
static void forget_environment(lua_State *L)
{
  lua_pushboolean(L, 1);
  lua_setfield(L, LUA_REGISTRYINDEX, "LUA_NOENV");
  lua_pushcfunction(L, luaopen_package);
  lua_call(L, 0, 1);
  lua_pushvalue(L, -1);
  lua_setglobal(L, LUA_LOADLIBNAME);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_insert(L, -2);
  lua_setfield(L, -2, LUA_LOADLIBNAME);
  lua_pop(L, 1);
}

/* Protected: opens everything and leaves the command's main function and its arguments on the stack. */
static int prepare(lua_State *L)
{
  int argc = (int)lua_tointeger(L, 1);
  char **argv = lua_touserdata(L, 2);
  lua_settop(L, 0);
  luaL_openlibs(L);
  luaL_requiref(L, "guestlua", luaopen_guestlua, 1);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, gl_terminal_open);
  lua_setfield(L, -2, "guestlua.terminal");
  int script = read_options(L, argc, argv);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "guestlua.command");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "run");
  lua_getfield(L, -2, "read");
  lua_pushvalue(L, -4);
  lua_call(L, 1, 2);
  if (lua_isnil(L, -2))
    usage_error(guestlua_text(L, -1));
  lua_pop(L, 1);
  lua_getfield(L, -1, "E");
  if (lua_toboolean(L, -1))
    forget_environment(L);
  lua_pop(L, 1);
  set_arg(L, argc, argv, script < argc ? script : 0);
  luaL_checkstack(L, argc, "too many arguments");
  for (int i = script; i < argc; i++)
    lua_pushstring(L, argv[i]);
  return 2 + argc - script;
}

/* ---- running ---- */

/* Whether a traceback of that length shows a line of Lua code. */
static bool shows_code(const char *traceback, int length)
{
  for (const char *c = traceback; c + 2 < traceback + length; c++)
    if (c[0] == '\n' && c[1] == '\t' && c[2] != '[')
      return true;
  return false;
}

/* Where in the traceback the callers of the script begin: they belong to guestlua and are not shown. A script in a process of its own has
 * its own stack, so that there is nothing to show. */
static const char *callers(const char *traceback)
{
  static const char *const files[] = {"\n\tguestlua/sandbox/process.lua:", "\n\tguestlua/prompt/repl.lua:", "\n\tguestlua/command/"};
  const char *found = NULL;
  for (size_t i = 0; !found && i < sizeof files / sizeof *files; i++)
    found = strstr(traceback, files[i]);
  return found;
}

/* Pushes what lua/guestlua/prompt/looked_up.lua has to say of an error of Lua's, a line of its own, or "". */
static void push_hint(lua_State *L, const char *message)
{
  int top = lua_gettop(L);
  bool found = false;
  if (strstr(message, ": attempt to index a nil value") && lua_checkstack(L, 4)) {
    lua_getglobal(L, "require");
    lua_pushliteral(L, "guestlua.prompt.looked_up");
    found = lua_pcall(L, 1, 1, 0) == LUA_OK;
    if (found) {
      lua_pushstring(L, message);
      found = lua_pcall(L, 1, 1, 0) == LUA_OK && lua_type(L, -1) == LUA_TSTRING;
    }
  }
  if (found)
    lua_pushfstring(L, "\n%s", lua_tostring(L, -1));
  else
    lua_pushliteral(L, "");
  lua_insert(L, top + 1);
  lua_settop(L, top + 1);
}

/* The error value and then the traceback are on top of the stack. */
static void report(lua_State *L)
{
  const char *traceback = guestlua_text(L, -1);
  const char *message = guestlua_text(L, -3);
  const char *ours = callers(traceback);
  int length = (int)(ours ? ours - traceback : (ptrdiff_t)strlen(traceback));
  bool frames = shows_code(traceback, length);
  push_hint(L, message);
  fprintf(stderr, "guestlua: %s%s\n%.*s%s", message, lua_tostring(L, -1), frames ? length : 0, traceback, frames ? "\n" : "");
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
  bool failed = guestlua_run(L, lua_gettop(L) - 1) != LUA_OK;
  running_state = NULL;
  if (!failed)
    return (int)lua_tointeger(L, 1); /* the command's result: none is 0 */
  if (interrupted_by != SIGPIPE)
    report(L);
  return interrupted_by ? 128 + interrupted_by : EXIT_SCRIPT;
}

static volatile sig_atomic_t status_to_leave_with;

static void on_patience_over(int signo)
{
  static const char message[] = "guestlua: a call of libvirt's does not end; it is left as it is\n";
  (void)signo;
  ssize_t written = write(STDERR_FILENO, message, sizeof message - 1);
  (void)written;
  _exit(status_to_leave_with);
}

/* The script is over. Abandoned calls are waited for, but not forever: libvirt may wait for a daemon that hangs. */
static void leave_after(unsigned seconds, int status)
{
  struct sigaction action = {.sa_handler = on_patience_over};
  status_to_leave_with = status;
  sigaction(SIGALRM, &action, NULL);
  alarm(seconds);
}

/* A standard stream that is closed is one to nowhere: otherwise the next file, socket or pipe that is opened would get its descriptor, and
 * what a script prints. */
static void open_streams(void)
{
  int fd;
  do
    fd = open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd >= 0)
    close(fd);
}

/* What the process exits with. A reader that has gone ends it as SIGPIPE would; what could not be written otherwise is reported. */
static int status_after(int status, int failure)
{
  if (fflush(stdout) != 0 && !failure)
    failure = errno;
  if (status != EXIT_SUCCESS || !(failure || ferror(stdout))) /* Lua's print does not keep why it has failed */
    return status;
  if (failure == EPIPE)
    return 128 + SIGPIPE;
  fprintf(stderr, "guestlua: the output could not be written in full%s%s\n", failure ? ": " : "", failure ? strerror(failure) : "");
  return EXIT_SCRIPT;
}

int main(int argc, char **argv)
{
  open_streams();
  if (gl_is_confined(argv))
    return gl_confined_main();
  setenv("LIBVIRT_DEBUG", "error", 0); /* the embedded driver warns of ordinary things on standard error */
  lua_State *L = luaL_newstate();
  if (!L) {
    fputs("guestlua: out of memory\n", stderr);
    return EXIT_SCRIPT;
  }
  int status = run(L, argc, argv);
  int failure = fflush(stdout) == 0 ? 0 : errno;
  leave_after(PATIENCE, status);
  gl_luv_settle(L);
  lua_close(L);
  guestlua_end();
  return status_after(status, failure);
}
