/*
 * The prompt's task waits in read() like any other task, so that background tasks go on while somebody types. What they print meanwhile
 * (lua/guestlua/progress.lua hands it over) waits until the loop is about to sleep: only then is the line taken away, the text printed, and
 * the line put back.
 */
#include "program/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

/* after stdio.h, which they need */
#include <readline/history.h>
#include <readline/readline.h>

#include "base/error.h"
#include "guestlua.h"
#include "loop/park.h"

enum { HISTORY_LINES = 2000 };

/* Where a word to complete begins; inside a string only the quote ends it. */
static const char word_breaks[] = " \t\n\"'`@$><=;|&{}()[]+-*/%^#~,.:";
static const char string_breaks[] = "\"'";

/* One a process, as readline is. */
static struct {
  gl_state *state;
  uv_poll_t input;
  uv_prepare_t sleep; /* begins */
  uv_async_t changed;
  gl_waitlist waiters; /* for input */
  lua_State *L;        /* who reads, for the completion */
  int complete;        /* in the registry: the function that completes */
  bool open, shown, done;
  bool readable;
  char *line;
  char *history; /* its path */
  FILE *screen;  /* readline's own stream */
  char *waiting; /* to be printed above the prompt */
  size_t length, room;
} prompt;

static volatile sig_atomic_t ending, changed;
static struct termios found;

void gl_terminal_restore(void)
{
  if (changed)
    tcsetattr(STDIN_FILENO, TCSANOW, &found);
}

bool gl_terminal_takes_interrupt(int signo)
{
  ending = ending || signo != SIGINT;
  return prompt.open && !ending;
}

/* Remembers how the terminal was found, before it is changed for the first time. */
static bool keep_settings(void)
{
  if (!changed && tcgetattr(STDIN_FILENO, &found) == 0) {
    changed = true;
    atexit(gl_terminal_restore);
  }
  return changed;
}

/* ---- what others print while the prompt is shown ---- */

/* Takes the text that waits to the screen; the cursor is at the beginning of a line, before and after. */
static void print_waiting(void)
{
  if (prompt.length == 0)
    return;
  fwrite(prompt.waiting, 1, prompt.length, prompt.screen);
  if (prompt.waiting[prompt.length - 1] != '\n')
    fputc('\n', prompt.screen);
  prompt.length = 0;
}

static void before_sleep(uv_prepare_t *unused)
{
  (void)unused;
  if (prompt.length == 0)
    return;
  rl_clear_visible_line();
  print_waiting();
  rl_on_new_line();
  rl_forced_update_display();
}

/* above(text): keeps it for before_sleep; false where no prompt is shown. */
static int above(lua_State *L)
{
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  if (prompt.shown && prompt.length + length > prompt.room) {
    size_t room = 2 * (prompt.length + length);
    char *larger = realloc(prompt.waiting, room);
    if (!larger)
      return luaL_error(L, "guestlua: out of memory");
    prompt.waiting = larger;
    prompt.room = room;
  }
  if (prompt.shown && length > 0)
    memcpy(prompt.waiting + prompt.length, text, length);
  prompt.length += prompt.shown ? length : 0;
  lua_pushboolean(L, prompt.shown);
  return 1;
}

static void hide(void)
{
  if (!prompt.shown)
    return;
  prompt.shown = false;
  rl_callback_handler_remove();
  print_waiting();
  fflush(prompt.screen);
  uv_poll_stop(&prompt.input);
  uv_prepare_stop(&prompt.sleep);
}

/* ---- reading ---- */

static void on_line(char *line)
{
  prompt.line = line;
  prompt.done = true;
  if (!line)
    fputc('\n', prompt.screen);
  hide();
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
  (void)events;
  prompt.readable = true;
  if (status < 0)
    uv_poll_stop(poll);
  gl_waitlist_wake(&prompt.waiters, -1);
}

static void show(const char *text)
{
  fflush(stdout);
  prompt.done = prompt.readable = false;
  prompt.shown = true;
  rl_callback_handler_install(text, on_line);
  uv_poll_start(&prompt.input, UV_READABLE, on_readable);
  uv_prepare_start(&prompt.sleep, before_sleep);
}

static int go_on(lua_State *L, int status, lua_KContext ctx);

static int await(lua_State *L)
{
  const char *cancelled = gl_task_cancelled(L);
  if (cancelled) {
    rl_callback_sigcleanup(); /* leaves a search, or what else has begun */
    rl_free_line_state();
    rl_point = rl_end;
    rl_redisplay();
    fputs(ending ? "\n" : "^C\n", prompt.screen);
    hide();
    gl_error_throw(L, cancelled, "%s", cancelled);
  }
  return gl_task_wait(L, (gl_wait){.list = &prompt.waiters, .seconds = -1, .what = "the next line at the prompt"}, 0, go_on);
}

static int go_on(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  (void)ctx;
  if (prompt.readable && !prompt.done) {
    prompt.readable = false;
    prompt.L = L;
    rl_callback_read_char();
  }
  if (!prompt.done)
    return await(L);
  lua_pushstring(L, prompt.line);
  free(prompt.line);
  prompt.line = NULL;
  return 1;
}

/* read(prompt): the next line, nil where there is none. Raises "interrupted" at Ctrl-C. */
static int read_line(lua_State *L)
{
  show(luaL_checkstring(L, 1));
  return await(L);
}

/* ---- completion ---- */

/* The offered word of that number; they are a list on top of the stack. */
static char *offer(const char *text, int state)
{
  static lua_Integer next;
  (void)text;
  next = state ? next + 1 : 1;
  lua_rawgeti(prompt.L, -1, next);
  const char *word = lua_tostring(prompt.L, -1);
  char *copy = word ? strdup(word) : NULL;
  lua_pop(prompt.L, 1);
  return copy;
}

/* complete(line up to the cursor, where the word in it begins): a list of words, and what is added to the only one. */
static char **complete(const char *text, int start, int end)
{
  lua_State *L = prompt.L;
  int top = lua_gettop(L);
  char **matches = NULL;
  rl_attempted_completion_over = 1; /* no file names instead */
  if (!lua_checkstack(L, LUA_MINSTACK))
    return NULL;
  lua_rawgeti(L, LUA_REGISTRYINDEX, prompt.complete);
  lua_pushlstring(L, rl_line_buffer, (size_t)end);
  lua_pushinteger(L, start + 1);
  if (lua_pcall(L, 2, 2, 0) == LUA_OK && lua_istable(L, -2)) {
    const char *after = lua_tostring(L, -1);
    rl_completion_append_character = after ? after[0] : '\0';
    rl_completion_suppress_append = !after;
    lua_pop(L, 1);
    matches = rl_completion_matches(text, offer);
  }
  lua_settop(L, top);
  return matches;
}

static char *breaks(void)
{
  char quote = '\0';
  for (int i = 0; i < rl_point; i++) {
    char c = rl_line_buffer[i];
    if (quote && c == '\\')
      i++;
    else if (quote ? c == quote : c == '"' || c == '\'')
      quote = quote ? '\0' : c;
  }
  return (char *)(quote ? string_breaks : word_breaks);
}

/* ---- the module ---- */

static volatile sig_atomic_t continued;

/* The size of the terminal has changed, or we were stopped, and the shell had it meanwhile. */
static void on_change(int signo)
{
  continued = continued || signo == SIGCONT;
  uv_async_send(&prompt.changed);
}

static void change(uv_async_t *unused)
{
  (void)unused;
  bool again = continued;
  continued = 0;
  if (!prompt.shown)
    return;
  if (again && tcgetpgrp(STDIN_FILENO) == getpgrp()) {
    rl_deprep_terminal();
    rl_prep_terminal(1);
    rl_forced_update_display();
  }
  rl_resize_terminal();
}

/* open(complete): prepares the prompt. Not on a terminal it returns nil. */
static int open_prompt(lua_State *L)
{
  gl_state *s = gl_state_get(L);
  luaL_checktype(L, 1, LUA_TFUNCTION);
  if (prompt.open || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || !keep_settings())
    return 0;
  int fd = dup(STDOUT_FILENO);
  prompt.screen = fd >= 0 ? fdopen(fd, "w") : NULL;
  if (!prompt.screen || uv_poll_init(&s->loop, &prompt.input, STDIN_FILENO) != 0)
    return luaL_error(L, "guestlua: cannot use the terminal: %s", strerror(errno));
  uv_prepare_init(&s->loop, &prompt.sleep);
  uv_async_init(&s->loop, &prompt.changed, change);
  prompt.input.data = prompt.sleep.data = prompt.changed.data = &prompt; /* luv.c looks at what a handle's data begins with */
  uv_unref((uv_handle_t *)&prompt.changed);
  TAILQ_INIT(&prompt.waiters);
  lua_settop(L, 1);
  prompt.complete = luaL_ref(L, LUA_REGISTRYINDEX);
  prompt.state = s;
  prompt.open = true;

  rl_readline_name = "guestlua";
  rl_outstream = prompt.screen;
  rl_catch_signals = rl_catch_sigwinch = 0;
  rl_attempted_completion_function = complete;
  rl_completion_word_break_hook = breaks;
  struct sigaction action = {.sa_handler = on_change, .sa_flags = SA_RESTART};
  sigaction(SIGWINCH, &action, NULL);
  sigaction(SIGCONT, &action, NULL);
  lua_pushboolean(L, 1);
  return 1;
}

static void on_closed(uv_handle_t *handle)
{
  if (handle == (uv_handle_t *)&prompt.changed)
    prompt.state = NULL;
}

static int close_prompt(lua_State *L)
{
  if (!prompt.open)
    return 0;
  hide();
  signal(SIGWINCH, SIG_DFL);
  signal(SIGCONT, SIG_DFL);
  prompt.open = false;
  uv_close((uv_handle_t *)&prompt.input, on_closed);
  uv_close((uv_handle_t *)&prompt.sleep, on_closed);
  uv_close((uv_handle_t *)&prompt.changed, on_closed);
  luaL_unref(L, LUA_REGISTRYINDEX, prompt.complete);
  rl_outstream = NULL;
  fclose(prompt.screen);
  return 0;
}

/* prompts(): whether there is a prompt, between open and close. */
static int prompts(lua_State *L)
{
  lua_pushboolean(L, prompt.open);
  return 1;
}

/* ending(): whether another signal than Ctrl-C came, so that the prompt is over. */
static int is_ending(lua_State *L)
{
  lua_pushboolean(L, ending);
  return 1;
}

/* Makes the directories that the path leads through, where they are missing. */
static void make_directories(char *path)
{
  for (char *c = path + 1; (c = strchr(c, '/')); c++) {
    *c = '\0';
    mkdir(path, 0700);
    *c = '/';
  }
}

/* history(path): reads it, and appends to it what is remembered from now on. An entry of several lines stays one by its time stamp. */
static int history(lua_State *L)
{
  free(prompt.history);
  prompt.history = strdup(luaL_checkstring(L, 1));
  history_comment_char = '#';
  history_write_timestamps = 1;
  using_history();
  make_directories(prompt.history);
  int fd = open(prompt.history, O_CREAT | O_WRONLY | O_CLOEXEC, 0600); /* append_history does not make it */
  if (fd >= 0)
    close(fd);
  read_history(prompt.history);
  stifle_history(HISTORY_LINES);
  history_truncate_file(prompt.history, HISTORY_LINES);
  return 0;
}

/* remember(text): adds it to the history, and at once to its file. True where that could be written. */
static int remember(lua_State *L)
{
  const char *text = luaL_checkstring(L, 1);
  const HIST_ENTRY *last = history_get(history_base + history_length - 1);
  lua_pushboolean(L, 1);
  if (last && strcmp(last->line, text) == 0)
    return 1;
  add_history(text);
  lua_pushboolean(L, prompt.history && append_history(1, prompt.history) == 0);
  return 1;
}

/* size(): the lines and columns of the screen. */
static int size(lua_State *L)
{
  int lines, columns;
  rl_get_screen_size(&lines, &columns);
  lua_pushinteger(L, lines);
  lua_pushinteger(L, columns);
  return 2;
}

/* ---- the status key ---- */

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

/* status_key(): from now on a key that is pressed asks for the status. False where nobody can press one: no terminal, or in the
 * background. */
static int status_key(lua_State *L)
{
  gl_state *s = gl_state_get(L);
  struct termios raw;
  if (keys || !isatty(STDIN_FILENO) || tcgetpgrp(STDIN_FILENO) != getpgrp() || !keep_settings())
    return 0;
  raw = found;
  raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
  tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  keys = malloc(sizeof *keys);
  if (!keys || uv_poll_init(&s->loop, keys, STDIN_FILENO) != 0)
    return luaL_error(L, "guestlua: cannot use the terminal");
  keys->data = s;
  uv_poll_start(keys, UV_READABLE, on_key);
  /* anchors what closes the handle with the state */
  lua_newuserdatauv(L, 0, 0);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, close_keys);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  luaL_ref(L, LUA_REGISTRYINDEX);
  lua_pushboolean(L, 1);
  return 1;
}

int gl_terminal_open(lua_State *L)
{
  static const luaL_Reg functions[] = {
    {"open", open_prompt}, {"close", close_prompt},    {"read", read_line},  {"prompts", prompts},
    {"ending", is_ending}, {"above", above},           {"history", history}, {"remember", remember},
    {"size", size},        {"status_key", status_key}, {NULL, NULL},
  };
  luaL_newlib(L, functions);
  return 1;
}
