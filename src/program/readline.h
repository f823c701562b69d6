/* GNU readline, which is loaded when a prompt opens: to link it takes the loader as long as a script takes for its first calls. */
#ifndef GL_READLINE_H
#define GL_READLINE_H

#include <lua.h>
#include <stdio.h>

/* need stdio.h before them */
#include <readline/history.h>
#include <readline/readline.h>

/* All that is used of it, functions and variables: the Makefile proves that the library has them. */
#define GL_READLINE(NAME)                \
  NAME(add_history)                      \
  NAME(append_history)                   \
  NAME(history_base)                     \
  NAME(history_comment_char)             \
  NAME(history_get)                      \
  NAME(history_length)                   \
  NAME(history_list)                     \
  NAME(history_truncate_file)            \
  NAME(history_write_timestamps)         \
  NAME(read_history)                     \
  NAME(rl_attempted_completion_function) \
  NAME(rl_attempted_completion_over)     \
  NAME(rl_callback_handler_install)      \
  NAME(rl_callback_handler_remove)       \
  NAME(rl_callback_read_char)            \
  NAME(rl_callback_sigcleanup)           \
  NAME(rl_catch_signals)                 \
  NAME(rl_catch_sigwinch)                \
  NAME(rl_clear_visible_line)            \
  NAME(rl_completion_append_character)   \
  NAME(rl_completion_matches)            \
  NAME(rl_completion_suppress_append)    \
  NAME(rl_completion_word_break_hook)    \
  NAME(rl_deprep_terminal)               \
  NAME(rl_end)                           \
  NAME(rl_forced_update_display)         \
  NAME(rl_free_line_state)               \
  NAME(rl_get_screen_size)               \
  NAME(rl_line_buffer)                   \
  NAME(rl_on_new_line)                   \
  NAME(rl_outstream)                     \
  NAME(rl_point)                         \
  NAME(rl_prep_terminal)                 \
  NAME(rl_readline_name)                 \
  NAME(rl_redisplay)                     \
  NAME(rl_resize_terminal)               \
  NAME(stifle_history)                   \
  NAME(using_history)

#define GL_READLINE_POINTER(name) __typeof__(name) *name;
typedef struct gl_readline {
  GL_READLINE(GL_READLINE_POINTER)
} gl_readline;

/* NULL until it is loaded. */
extern const gl_readline *gl_rl;

/* Loads it, once; raises an error that names the package if it is not there. [-0, +0, e] */
void gl_readline_load(lua_State *L);

#endif
