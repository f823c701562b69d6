/*
 * The state of one lua_State: its libuv loop, its tasks, its counters and its teardown.
 *
 * Everything here is touched on the Lua thread only, except gl_interrupt and gl_interrupt_for_status, which may be called from a signal
 * handler.
 */
#ifndef GL_STATE_H
#define GL_STATE_H

#include <lua.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/queue.h>
#include <time.h>
#include <uv.h>

typedef struct gl_task gl_task;
typedef struct gl_queue gl_queue;
typedef struct gl_waiter gl_waiter;
typedef struct gl_watcher gl_watcher;
typedef struct gl_work gl_work;

/* Waiters, oldest first (wait.h). Initialize with TAILQ_INIT. */
typedef TAILQ_HEAD(gl_waitlist, gl_waiter) gl_waitlist;

typedef STAILQ_HEAD(gl_ready_list, gl_task) gl_ready_list;

typedef STAILQ_HEAD(gl_work_list, gl_work) gl_work_list;

typedef LIST_HEAD(gl_scope_list, gl_scope) gl_scope_list; /* scope.h */

/* Counters of live objects; the specs check that each returns to its earlier value. */
typedef struct gl_counters {
  int tasks;         /* coroutines that the loop resumes and that have not ended */
  int ops;           /* libvirt calls queued or running on a worker */
  int hosts;         /* open connections */
  int guests;        /* virDomainPtr held by a Guest */
  int objects;       /* the same for what is no guest: networks, pools, snapshots … */
  int subscriptions; /* registered event callbacks */
} gl_counters;

/* The most hooks of each kind that the folders above may register. */
#define GL_MOST_HOOKS 5

typedef struct gl_state {
  lua_State *L; /* the main thread of the Lua state */
  uv_loop_t loop;
  uv_async_t wakeups[GL_MOST_HOOKS]; /* gl_state_on_wakeup */
  int wakeup_count;
  gl_queue *queue;     /* events from libvirt's event thread (event/queue.c) */
  gl_ready_list ready; /* tasks to resume, oldest first */
  gl_ready_list cut;   /* those that used up their slice; they take turns with the others */
  bool cut_was_last;
  gl_task *all;              /* every task not yet freed */
  gl_task *running;          /* the task that runs Lua code now; root, if none does */
  lua_State *_Atomic active; /* the coroutine now running, as far as we know; signal handlers set their hook on it */
  gl_task *main;             /* the task that an interrupt cancels */
  gl_task *root;             /* stands for code that runs in no task */
  bool passes;               /* yielding from active returns to the loop */
  gl_scope_list aside;       /* the scopes of coroutines that have yielded in the middle */
  int tasks_made;
  int in_place;          /* nested waits in place */
  uv_async_t *asked;     /* sent by gl_interrupt and gl_interrupt_for_status */
  uv_async_t *over;      /* sent by workers */
  gl_work_list worked;   /* work that is over, for `done`: work.c */
  volatile bool looping; /* uv_run runs: no Lua code does, except luv's callbacks */
  uint64_t turned;       /* when the loop last did, in ns */
  bool dispatching;      /* for a program with its own loop: no call may block it */
  bool timed_out, given; /* of the wait that ended last, for its continuation */
  gl_counters alive;
  int nudges;                                /* calls of the library's own on a worker, which no script made: call/nudge.c */
  const gl_watcher *watchers[GL_MOST_HOOKS]; /* the watchers of calls: call/watch.h */
  int watcher_count;
  bool shares_thread;         /* the program runs libvirt's event loop, possibly on this thread: nothing may block it */
  size_t xml_size, xml_limit; /* of the texts of the Elements' documents; at the limit garbage is collected */
  atomic_int interrupted;     /* the signal that asked for it; 0: none */
  atomic_int instructions;    /* that the script has gone on for since then */
  int since_return;           /* so many of them after the last return */
  atomic_bool status_asked;   /* somebody wants to know what the tasks do */
  struct {
    lua_Alloc alloc; /* the allocator behind the limiting one */
    void *alloc_data;
    size_t memory, memory_used;
    bool counts; /* counts instructions */
    bool over;   /* all tasks have an error for that they are used up */
    long long instructions_left;
    long long seen; /* the processor's time when the count was last looked at, in ns */
  } limit;          /* sandbox.c */
  struct {
    timer_t timer;
    unsigned ms;                   /* of a slice; 0: there are none */
    bool has_timer, luv;           /* luv: there may be callbacks of luv's */
    volatile bool armed, over;     /* the signal handler's too, on this thread */
    volatile unsigned turns, seen; /* tasks that have begun to run, and when the timer last ran out */
    atomic_int breaks;             /* so often the timer's signal still breaks off a system call */
  } slice;                         /* slice.c */
  struct {
    void (*at_close[GL_MOST_HOOKS])(struct gl_state *s);
    int close_count;
    void (*stop)(struct gl_state *s, lua_State *co);              /* stops co where it computes: interrupt.c */
    void (*cut)(lua_State *L, struct gl_state *s, lua_Debug *ar); /* for a hook: yields if a slice is over: task.c */
  } hooks;
  pthread_t thread; /* the thread that owns the state */
  int forks;        /* that led to this process, when it was opened */
  bool open;
} gl_state;

/* Before the first state of the process, and anything else that has an event loop: false if there are too few file descriptors for it, of
 * which libuv and GLib abort. Later, nothing. */
bool gl_state_begin(void);

/* Makes the state of L, if it has none yet. [-0, +0, e] */
gl_state *gl_state_open(lua_State *L);

/* The state of L, or NULL if gl_state_open was not called. [-0, +0, -] */
gl_state *gl_state_get(lua_State *L);

/* The same for the main lua_State, without touching Lua: on any thread, and in signal handlers. NULL if it is closed. */
gl_state *gl_state_find(const lua_State *L);

/* Whether a task could go on now. */
static inline bool gl_state_is_ready(const gl_state *s)
{
  return !STAILQ_EMPTY(&s->ready) || !STAILQ_EMPTY(&s->cut);
}

/* Lets the loop take what has happened; if no task could go on (others: if tasks may), it first waits until something has (waits). */
void gl_state_turn(gl_state *s, bool others, bool waits);

/* Whether the function at that place of the stack is of this library's own modules. [-0, +0, -] */
bool gl_state_is_own(lua_State *L, lua_Debug *ar);

/* Pushes "" without allocating. [-0, +1, -] */
void gl_state_push_empty(lua_State *L);

/* The forks that led to this process: changed in the child of one only, where one thread is left. */
extern int gl_state_forks;

/* Whether this is the state's thread. In the child of a fork no thread is: the workers, libvirt's event thread and the connections are the
 * parent's. */
static inline bool gl_state_is_here(const gl_state *s)
{
  return pthread_equal(s->thread, pthread_self()) && s->forks == gl_state_forks;
}

/* Raises "wrong_thread" if it is not. [-0, +0, v] */
void gl_state_check_here(lua_State *L, const gl_state *s, const char *method);

/* What another thread or a signal handler sends, and fn is called on the Lua thread then, with the state in its `data`. Of those that were
 * sent at the same time the one that was made first comes first. */
uv_async_t *gl_state_on_wakeup(gl_state *s, uv_async_cb fn);

/* fn is called when the state closes, after the last call in flight and in reverse order. */
void gl_state_at_close(gl_state *s, void (*fn)(gl_state *s));

#endif
