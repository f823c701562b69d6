/*
 * The prompt's task waits in read() like any other task, so that background tasks go on while somebody types. What they print meanwhile
 * (lua/guestlua/log/screen.lua hands it over) waits until the loop is about to sleep: only then is the line taken away, the text printed,
 * and the line put back.
 */
#include "program/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "loop/park.h"
#include "program/readline.h"
#include "program/settings.h"

/* Characters that end a word to complete; inside a string only the quote does. */
static const char word_breaks[] = " \t\n\"'`@$><=;|&{}()[]+-*/%^#~,.:";
static const char string_breaks[] = "\"'";

/* One per process, like readline. */
static struct {
  gl_state *state;
  uv_poll_t input;
  uv_prepare_t sleep; /* begins */
  uv_async_t changed;
  gl_waitlist waiters; /* for input */
  lua_State *L;        /* the reading coroutine, for the completion */
  int complete;        /* in the registry: the completing function */
  bool open, shown, done;
  bool readable;
  char *line;
  FILE *screen;  /* readline's own stream */
  char *waiting; /* to be printed above the prompt */
  size_t length, room;
} prompt;

static volatile sig_atomic_t ending;

bool gl_prompt_takes_interrupt(int signo)
{
  ending = ending || signo != SIGINT;
  return prompt.open && !ending;
}

/* ---- output of others while the prompt is shown ---- */

/* Prints the waiting text; the cursor is at the beginning of a line, before and after. */
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
  gl_rl->rl_clear_visible_line();
  print_waiting();
  gl_rl->rl_on_new_line();
  gl_rl->rl_forced_update_display();
}

/* above(text): keeps it for before_sleep; false if no prompt is shown. */
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
  gl_rl->rl_callback_handler_remove();
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
  gl_rl->rl_callback_handler_install(text, on_line);
  uv_poll_start(&prompt.input, UV_READABLE, on_readable);
  uv_prepare_start(&prompt.sleep, before_sleep);
}

static int go_on(lua_State *L, int status, lua_KContext ctx);

static int await(lua_State *L)
{
  const char *cancelled = gl_task_cancelled(gl_state_get(L));
  if (cancelled) {
    gl_rl->rl_callback_sigcleanup(); /* leaves a search or other unfinished input */
    gl_rl->rl_free_line_state();
    *gl_rl->rl_point = *gl_rl->rl_end;
    gl_rl->rl_redisplay();
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
    gl_rl->rl_callback_read_char();
  }
  if (!prompt.done)
    return await(L);
  lua_pushstring(L, prompt.line);
  free(prompt.line);
  prompt.line = NULL;
  return 1;
}

/* read(prompt): the next line, nil if there is none. Raises "interrupted" at Ctrl-C. */
static int read_line(lua_State *L)
{
  show(luaL_checkstring(L, 1));
  return await(L);
}

/* ---- completion ---- */

/* The offered word of that number, from the list on top of the stack. */
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

/* complete(line up to the cursor, start of the word in it): a list of words, and the text to append to a single one. */
static char **complete(const char *text, int start, int end)
{
  lua_State *L = prompt.L;
  int top = lua_gettop(L);
  char **matches = NULL;
  *gl_rl->rl_attempted_completion_over = 1; /* do not offer file names instead */
  if (!lua_checkstack(L, LUA_MINSTACK))
    return NULL;
  lua_rawgeti(L, LUA_REGISTRYINDEX, prompt.complete);
  lua_pushlstring(L, *gl_rl->rl_line_buffer, (size_t)end);
  lua_pushinteger(L, start + 1);
  if (lua_pcall(L, 2, 2, 0) == LUA_OK && lua_istable(L, -2)) {
    const char *after = lua_tostring(L, -1);
    *gl_rl->rl_completion_append_character = after ? after[0] : '\0';
    *gl_rl->rl_completion_suppress_append = !after;
    lua_pop(L, 1);
    matches = gl_rl->rl_completion_matches(text, offer);
  }
  lua_settop(L, top);
  return matches;
}

static char *breaks(void)
{
  char quote = '\0';
  for (int i = 0; i < *gl_rl->rl_point; i++) {
    char c = (*gl_rl->rl_line_buffer)[i];
    if (quote && c == '\\')
      i++;
    else if (quote ? c == quote : c == '"' || c == '\'')
      quote = quote ? '\0' : c;
  }
  return (char *)(quote ? string_breaks : word_breaks);
}

/* ---- the module ---- */

static volatile sig_atomic_t continued;

/* The size of the terminal has changed, or the process was stopped and the shell used the terminal meanwhile. */
static void on_change(int signo)
{
  int before = errno;
  continued = continued || signo == SIGCONT;
  uv_async_send(&prompt.changed);
  errno = before;
}

static void change(uv_async_t *unused)
{
  (void)unused;
  bool again = continued;
  continued = 0;
  if (!prompt.shown)
    return;
  if (again && tcgetpgrp(STDIN_FILENO) == getpgrp()) {
    gl_rl->rl_deprep_terminal();
    gl_rl->rl_prep_terminal(1);
    gl_rl->rl_forced_update_display();
  }
  gl_rl->rl_resize_terminal();
}

/* open(complete): prepares the prompt. Returns nil if there is no terminal. */
static int open_prompt(lua_State *L)
{
  gl_state *s = gl_state_get(L);
  struct termios settings;
  luaL_checktype(L, 1, LUA_TFUNCTION);
  if (prompt.open || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || !gl_terminal_keep(&settings))
    return 0;
  gl_readline_load(L);
  int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  prompt.screen = fd >= 0 ? fdopen(fd, "w") : NULL;
  if (!prompt.screen || uv_poll_init(&s->loop, &prompt.input, STDIN_FILENO) != 0)
    return luaL_error(L, "guestlua: cannot use the terminal: %s", strerror(errno));
  uv_prepare_init(&s->loop, &prompt.sleep);
  uv_async_init(&s->loop, &prompt.changed, change);
  prompt.input.data = prompt.sleep.data = prompt.changed.data = &prompt; /* luv.c reads the start of a handle's data */
  uv_unref((uv_handle_t *)&prompt.changed);
  TAILQ_INIT(&prompt.waiters);
  lua_settop(L, 1);
  prompt.complete = luaL_ref(L, LUA_REGISTRYINDEX);
  prompt.state = s;
  prompt.open = true;

  *gl_rl->rl_readline_name = "guestlua";
  *gl_rl->rl_outstream = prompt.screen;
  *gl_rl->rl_catch_signals = *gl_rl->rl_catch_sigwinch = 0;
  *gl_rl->rl_attempted_completion_function = complete;
  *gl_rl->rl_completion_word_break_hook = breaks;
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
  *gl_rl->rl_outstream = NULL;
  fclose(prompt.screen);
  return 0;
}

/* prompts(): whether there is a prompt, between open and close. */
static int prompts(lua_State *L)
{
  lua_pushboolean(L, prompt.open);
  return 1;
}

/* ending(): whether a signal other than Ctrl-C came, so that the prompt is over. */
static int is_ending(lua_State *L)
{
  lua_pushboolean(L, ending);
  return 1;
}

/* size(): the lines and columns of the screen; those of a usual one if there is none, as in a pipe. */
static int size(lua_State *L)
{
  int lines = 0, columns = 0;
  if (gl_rl)
    gl_rl->rl_get_screen_size(&lines, &columns);
  lua_pushinteger(L, lines > 0 ? lines : 24);
  lua_pushinteger(L, columns > 0 ? columns : 80);
  return 2;
}

void gl_prompt_open(lua_State *L)
{
  static const luaL_Reg functions[] = {
    {"open", open_prompt}, {"close", close_prompt}, {"read", read_line}, {"prompts", prompts},
    {"ending", is_ending}, {"above", above},        {"size", size},      {NULL, NULL},
  };
  luaL_setfuncs(L, functions, 0);
}
