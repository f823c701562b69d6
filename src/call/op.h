/*
 * Operations: one libvirt call each, described by a static gl_opdef and carried by a struct that starts with gl_op.
 *
 * To add a call: a struct where it has arguments, a list of gl_param, a `run` of three lines and a row in the class's table.
 */
#ifndef GL_OP_H
#define GL_OP_H

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <lua.h>
#include <stdbool.h>
#include <uv.h>

#include "call/args.h"
#include "call/class.h"
#include "loop/state.h"

/* Of one guest's calls one is under way at a time in each lane; the next ones queue behind it. */
typedef enum gl_lane {
  GL_LANE_CHANGE, /* what changes the guest */
  GL_LANE_BESIDE, /* looks at what is under way, helps it or ends it */
  GL_LANE_END,    /* ends the guest, and with that all its calls */
  GL_LANE_AGENT,  /* speaks to the guest's agent, which libvirt keeps apart from the guest's jobs */
} gl_lane;

struct gl_opdef {
  const char *name;
  const char *call;    /* libvirt's function, for the error and the manual */
  const char *help;    /* what it does; what the manual, help() and the editor show */
  const char *returns; /* what comes back; NULL: nothing */
  const gl_param *params;
  size_t size; /* of the struct that starts with gl_op; 0: gl_op itself */

  /* Looks at the arguments as a whole, before anything is under way, and raises what is wrong with them. Lua thread; may be NULL. */
  void (*check)(lua_State *L, gl_op *op);

  /* Makes the call; negative means that it failed. Any thread: reads the op, never touches Lua. */
  int (*run)(gl_op *op);

  /* Pushes the result and says how many values it is. Lua thread; NULL: nothing comes back. */
  int (*push)(lua_State *L, gl_op *op);

  /* Frees what run made and push did not hand on. Lua thread. */
  void (*release)(gl_op *op);

  /* It changes something: a dry run writes it out and does not make it. `returns` says what the script is told then: NULL nothing, "0" and
   * "true" those; what returns anything else is refused. */
  bool changes;

  /* At most one round trip to the daemon, and never waits for a guest or for the disk: not worth a worker where no other task would use the
   * time. */
  bool quick;

  gl_lane lane;

  /* Reads only this process's memory: never worth a worker. */
  bool memory;

  /* In the place of all this, for what makes no libvirt call of its own. */
  int (*invoke)(lua_State *L);
};

typedef struct gl_text gl_text;

struct gl_op {
  const gl_opdef *def;
  gl_state *state;

  /* What it works on. On a worker these are the op's own references, dropped there as soon as the call is over. */
  virConnectPtr conn;
  virDomainPtr dom;
  const char *disk;   /* a block device's name */
  const char *guest;  /* the guest's name, for errors; NULL while dom is there to be asked */
  const char *uri;    /* the connection's, for errors */
  unsigned int flags; /* the flags that the options add up to */
  bool bounded;       /* by the option `timeout`, which every call that can block has: */
  double timeout;     /* seconds after which nobody waits any more */

  int rc;       /* what run returned */
  bool no_loop; /* nobody runs libvirt's event loop: see gl_event_runs */
  virErrorPtr error;
  unsigned watched; /* state->watch when it began */
  uint64_t took;    /* how many ns run took, where it is watched */

  /* For the way to a worker and back. */
  gl_host *host;                       /* its gate lets this op in or makes it wait */
  bool held;                           /* host, conn and dom are counted */
  unsigned char uuid[VIR_UUID_BUFLEN]; /* of dom */
  bool orphan;                         /* nobody waits any more: it is freed when the call is over */
  gl_waitlist waiters;                 /* to wake then */
  uv_work_t request;
  TAILQ_ENTRY(gl_op) entry; /* in host->queue or host->running */
  enum { GL_OP_NEW, GL_OP_QUEUED, GL_OP_RUNNING, GL_OP_DONE } phase;
  gl_text *texts;
};

/* Calls the operation with the arguments on the stack, self (of that class; NULL: there is none) first: on a worker with the task parked,
 * or inline. Use as `return gl_op_invoke(…)`. [-0, +?, v] */
int gl_op_invoke(lua_State *L, const gl_opdef *def, const gl_class *class);

/* The two halves of gl_op_invoke, for an operation whose references its caller fills in: pushes a box with a new op, to be closed when the
 * C function returns; makes the call. [-0, +1, e] [-0, +?, v] */
gl_op *gl_op_new(lua_State *L, const gl_opdef *def);
int gl_op_start(lua_State *L, gl_op *op);

/* Runs an operation on a worker with nobody waiting for it: the closing of what the garbage collector found. Takes over the reference to
 * conn. Never blocks, never raises. */
void gl_op_detach(gl_host *host, const gl_opdef *def, virConnectPtr conn);

/* A copy of the text that lives as long as the op. [-0, +0, e] */
const char *gl_op_keep(lua_State *L, gl_op *op, const char *text);

/* Room that lives as long. Only for operations that are not quick: the others own nothing. [-0, +0, e] */
void *gl_op_keep_room(lua_State *L, gl_op *op, size_t size);

/* An operation whose result is a text that libvirt allocated. */
typedef struct gl_text_op {
  gl_op op;
  char *text;
} gl_text_op;

int gl_push_text(lua_State *L, gl_op *op);
void gl_release_text(gl_op *op);

/* Pushers that many operations share. */
int gl_push_boolean(lua_State *L, gl_op *op); /* rc ~= 0 */
int gl_push_integer(lua_State *L, gl_op *op); /* rc */

/* The run of what is read from this process's memory when it is pushed. */
int gl_run_nothing(gl_op *op);

/* Opens what this file needs in L. [-0, +0, e] */
void gl_op_open(lua_State *L);

#endif
