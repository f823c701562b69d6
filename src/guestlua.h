/*
 * guestlua: Guest and BlockDevice over libvirt, as Lua 5.4 userdata. The only public header.
 *
 * Threads: a Lua state belongs to the thread that opened guestlua in it, and every function here that takes a lua_State is called on that
 * thread, unless it says otherwise. Several states, each on a thread of its own, may run at once; they share libvirt's event thread and
 * the worker threads, of which there are as many as calls under way, up to 1024; one without work for ten seconds ends. In the child of a
 * fork the parent's states refuse every call as they do on another thread, and closing one leaves the parent's connections as they are; new
 * states need an exec first.
 *
 * Signals: those threads block all of them, and the library handles none but SIGURG, if slices are asked for (see guestlua_options).
 * Programs that scripts start are children of this process. Each is waited for by its number: SIGCHLD is the program's own. A program that
 * ignores it, or waits for any child, takes their exit codes: it has to wait for those that it has started.
 *
 * [-o, +p, x] as in Lua's manual: how many values the function pops and pushes, and whether it raises errors ('-': never, 'e': Lua's own,
 * such as out of memory, 'v': a guestlua.Error too). Call functions that raise in a protected call, as with Lua's own.
 * Each needs some free stack slots, which a C function and a new state have.
 */
#ifndef GUESTLUA_H
#define GUESTLUA_H

#include <libvirt/libvirt.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#include <lua.h>

#if LUA_VERSION_NUM != 504
#error "guestlua needs Lua 5.4"
#endif

#define GUESTLUA_VERSION_MAJOR 0
#define GUESTLUA_VERSION_MINOR 2
#define GUESTLUA_VERSION_PATCH 0
#define GUESTLUA_VERSION "0.2.0"
#define GUESTLUA_VERSION_NUMBER (GUESTLUA_VERSION_MAJOR * 1000000 + GUESTLUA_VERSION_MINOR * 1000 + GUESTLUA_VERSION_PATCH)

#if defined(__GNUC__)
#define GUESTLUA_API __attribute__((visibility("default")))
#else
#define GUESTLUA_API
#endif

/* The version of the library at run time; GUESTLUA_VERSION_NUMBER is the version that the program was compiled with. Any thread. */
GUESTLUA_API unsigned guestlua_version(void);

/* ---- a state ---- */

/*
 * Pushes the module, the table that `require "guestlua"` gives. For luaL_requiref, with a state of the program's own. It starts libvirt's
 * event thread, once per process. Raises an error if the Lua in use is not 5.4. [-0, +1, e]
 */
GUESTLUA_API int luaopen_guestlua(lua_State *L);

/* The options of guestlua_new. Zero everything, set size: guestlua_options options = {.size = sizeof options}; */
typedef struct guestlua_options {
  size_t size;       /* sizeof(guestlua_options): the part of it that this program knows */
  const char *uri;   /* the URI that guestlua.open() connects to; NULL: libvirt's default */
  bool readonly;     /* guestlua.open() opens read-only unless the script says otherwise */
  bool sandbox;      /* no files, programs, C modules, bytecode; only `uri`, read-only, and objects that the program hands over.
                        Load the scripts with luaL_loadfilex(L, path, "t") or luaL_loadbufferx(…, "t"): as text */
  size_t max_memory; /* bytes that Lua and its XML documents may hold; 0: no limit */
  unsigned long long max_instructions; /* of Lua's, in all of the state's life; 0: no limit */
  const char *const *allow;            /* the methods that scripts may call, of those that call libvirt: "Guest.get_info", "Host.*",
                                          "workflow.ensure_attached", "guestlua.open", and NULL at the end. Other methods that one of them calls have
                                          to be on the list as well. NULL: all */
  bool own_event_loop;                 /* guestlua_choose(true, …) */
  bool own_error_function;             /* guestlua_choose(…, true) */
  lua_Alloc alloc;                     /* the state's allocator, as for lua_newstate; NULL: malloc and its like. libvirt, libxml2 and libuv
                                          have their own */
  void *alloc_data;                    /* its first argument */
  unsigned slice;                      /* ms after which a task that computes lets the others and the program's loop go on; 0: it is
                                          not cut. The state's thread then gets signals (SIGURG) while tasks compute */
} guestlua_options;

/*
 * A state with Lua's libraries and guestlua opened, the module in the global `guestlua` and for `require`. options may be NULL. NULL if
 * it cannot be made; `why` (may be NULL) then has the reason, cut off at `size`. Any thread: the calling one is the state's. [-]
 */
GUESTLUA_API lua_State *guestlua_new(const guestlua_options *options, char *why, size_t size);

/*
 * Ends such a state: waits for the calls in flight, closes all open objects. NULL is fine. lua_close does the same. The wait has no limit:
 * a call that libvirt has not given back needs the state. A daemon that does not answer is given up by the keepalive of its connection, an
 * option of guestlua.open; without one, or if the driver is in this process, nothing ends the wait. [-]
 */
GUESTLUA_API void guestlua_free(lua_State *L);

/* Ends libvirt's event thread. For the end of the process, after the last state is closed; a program need not call it. Any thread. */
GUESTLUA_API void guestlua_end(void);

/*
 * Declares, once per process and before the first state, what the program provides itself. own_event_loop: it has registered libvirt's
 * event implementation and runs its loop, so guestlua starts no thread for that. own_error_function: libvirt's error function stays as it
 * is; otherwise it is silenced, as the errors are raised. Returns 0, or -1 if a state was opened before: it is too late then. Any thread.
 *
 * libvirt's default implementation runs GLib's default main context. A program with a GLib main loop has to choose own_event_loop, or its
 * callbacks would run on guestlua's thread; virEventRegisterDefaultImpl() and g_main_loop_run() are then all it has to call.
 */
GUESTLUA_API int guestlua_choose(bool own_event_loop, bool own_error_function);

/* ---- libvirt's objects ---- */

/*
 * Pushes a Host for the program's own connection, the same one for the same connection; a Guest for its domain. Each takes a reference of
 * its own, which it drops when it is closed or collected: the program keeps its reference, and may drop it. Raises if it is NULL or not a
 * valid connection or domain. [-0, +1, v]
 */
GUESTLUA_API void guestlua_push_connect(lua_State *L, virConnectPtr conn);
GUESTLUA_API void guestlua_push_domain(lua_State *L, virDomainPtr dom);

/*
 * The connection of the Host, the domain of the Guest at that index; raises if it is none, or closed. It is borrowed: call virConnectRef
 * or virDomainRef to keep it longer than the Lua value lives. [-0, +0, v]
 */
GUESTLUA_API virConnectPtr guestlua_check_connect(lua_State *L, int index);
GUESTLUA_API virDomainPtr guestlua_check_domain(lua_State *L, int index);

/* ---- running ---- */

/*
 * Runs the function and its nargs arguments on top of the stack as a task, and the loop until the task has ended: its libvirt calls then
 * run on worker threads, and guestlua_interrupt reaches it. When it ends, all other tasks of the state are cancelled and waited for,
 * except after a call from within a task. Returns LUA_OK with the results on the stack; or LUA_ERRRUN or LUA_ERRMEM with the error value
 * and then the traceback, a string; or one of the codes below with nothing pushed or popped. [-(nargs+1), +results, -]
 */
GUESTLUA_API int guestlua_run(lua_State *L, int nargs);

/*
 * For programs with their own loop: starts the function and its nargs arguments as a task and pushes its Task. Nothing runs before
 * guestlua_dispatch. Returns LUA_OK; or an error code of Lua's with the error on the stack; or one of the codes below with nothing pushed
 * or popped. [-(nargs+1), +1, -]
 */
GUESTLUA_API int guestlua_spawn(lua_State *L, int nargs);

/*
 * The state of the Task at that index: GUESTLUA_RUNNING with nothing pushed; or its outcome, as guestlua_run returns it. Its results can be
 * asked for again. LUA_ERRERR, and nothing pushed, if there is no Task at the index. [-0, +results, -]
 */
GUESTLUA_API int guestlua_result(lua_State *L, int index);

/* Pushes the value at that index, such as an error, as a text: like luaL_tolstring, but if its __tostring fails, the text says so. [-0, +1,
 * -] */
GUESTLUA_API const char *guestlua_text(lua_State *L, int index);

/*
 * A descriptor that is readable when there is something to dispatch; the milliseconds after which to dispatch in any case
 * (-1: no limit). Ask for the timeout after each dispatch. Negative if guestlua_dispatch would return an error: guestlua_fd gives
 * GUESTLUA_WRONG_THREAD, guestlua_timeout -1. [-0, +0, -]
 */
GUESTLUA_API int guestlua_fd(lua_State *L);
GUESTLUA_API int guestlua_timeout(lua_State *L);

/*
 * Does everything possible without waiting: each libvirt call runs on a worker. (A call made where Lua cannot yield, as in table.sort,
 * waits in place.) Returns the number of tasks left, or one of the codes below. [-0, +0, -]
 */
GUESTLUA_API int guestlua_dispatch(lua_State *L);

#define GUESTLUA_WRONG_THREAD (-1) /* this is not the thread of the state, or guestlua was not opened in it, or it was closed */
#define GUESTLUA_NESTED (-2)       /* called from Lua code that it runs itself, or from a callback of the loop */
#define GUESTLUA_RUNNING (-3)      /* the task has not ended */

/* Stops the code that guestlua_run runs (in a program with its own loop: every task that there is now) with an error of kind "interrupted",
 * wherever it computes or waits: its to-be-closed variables undo what they guard. Tasks beside it that compute are stopped too, and those
 * that wait when it ends. May be called from a signal handler, on the thread of the state; L is not a coroutine. [-] */
GUESTLUA_API void guestlua_interrupt(lua_State *L, int signo);

/* Reports on standard error what each task waits for, and since when. May be called where guestlua_interrupt may. [-] */
GUESTLUA_API void guestlua_status(lua_State *L);

/* Pushes a field of the error value at that index, such as "kind", "guest", "code" or "outcome", and returns its type; nil if the error has
 * no such field. Of an error that is no guestlua.Error there is the "message". Calls nothing of a script's. [-0, +1, -] */
GUESTLUA_API int guestlua_error_field(lua_State *L, int index, const char *field);

/* Pushes the value at that index, such as a result or an error, as JSON, and returns it. Secrets are masked; functions and objects are
 * texts, and metatables do not count. It needs the Lua module dkjson. [-0, +1, v] */
GUESTLUA_API const char *guestlua_json(lua_State *L, int index);

/* A pointer of the program's own for each state: NULL until it is set. [-0, +0, m] [-0, +0, -] */
GUESTLUA_API void guestlua_set_user(lua_State *L, void *user);
GUESTLUA_API void *guestlua_user(lua_State *L);

/* ---- a script in a process of its own ---- */

/* The options of guestlua_sandbox_process. Zero everything, set size. */
typedef struct guestlua_process {
  size_t size;                         /* sizeof(guestlua_process) */
  const char *program;                 /* the guestlua command, of this version; NULL: the one that PATH has */
  unsigned max_seconds;                /* after which it is killed; 0: 60 */
  size_t max_memory;                   /* bytes that it may use; 0: 256 MiB */
  unsigned long long max_instructions; /* of Lua's; 0: no limit */
  bool require_all;                    /* fail if the kernel lacks seccomp or Landlock; otherwise the log names what it lacks */
} guestlua_process;

/*
 * Pushes a function for guestlua_run or guestlua_spawn, which runs a script in a process of its own. That can open no file, start no
 * program and reach no socket; what it asks of libvirt L does, which has to be a state with the option sandbox, by its list `allow`. The
 * function's arguments are the script's, and the script's results are its results: texts, numbers, tables, Elements, and libvirt's objects.
 * It raises the script's error; one of kind "limit" if a limit has ended it; or "script_ended" if its process has died otherwise. The text
 * is copied; name: as for luaL_loadbuffer. What the script prints goes to the program's standard output and error. [-0, +1, v]
 */
GUESTLUA_API void guestlua_sandbox_process(lua_State *L, const guestlua_process *options, const char *text, size_t length,
                                           const char *name);

/* ---- watching calls ---- */

/* A call of libvirt's that a script is about to make. The texts are valid until the function returns; secrets are not among them. */
typedef struct guestlua_call {
  const char *method;      /* "pause": the method's name */
  const char *function;    /* "virDomainSuspend" */
  const char *uri;         /* of the connection; NULL: it has yet to be opened */
  const char *object_type; /* "guest", "network", …; NULL: it is about no object that exists */
  const char *object;      /* its name */
  const char *part;        /* a disk's target, for a call about a part of the object; NULL: none */
  bool changes;            /* it changes something */
} guestlua_call;

/*
 * Calls fn before each libvirt call, on the thread of the state. NULL: the call is made; a text: it is not, and the script gets an error of
 * kind "not_allowed" with that text. fn must not call into the state. fn NULL: nobody is asked. Calls that a dry run holds back may
 * be among them.
 * [-0, +0, v]
 */
typedef const char *(*guestlua_call_fn)(void *opaque, const guestlua_call *call);
GUESTLUA_API void guestlua_set_call(lua_State *L, guestlua_call_fn fn, void *opaque);

/* ---- log ---- */

/*
 * Calls fn with each line of the log, on the thread of the state, instead of writing it to standard error; guestlua.log.configure says
 * whether lines are text or JSON. Secrets are masked. least: the least important level to pass on, "error", "warning", "info", "debug"
 * or "trace"; NULL: unchanged. fn must not call into the state. fn NULL: standard error again. [-0, +0, v]
 */
typedef void (*guestlua_log_fn)(void *opaque, const char *level, const char *line);
GUESTLUA_API void guestlua_set_log(lua_State *L, const char *least, guestlua_log_fn fn, void *opaque);

#ifdef __cplusplus
}
#endif

#endif
