/*
 * Operations: one libvirt call each, described by a static gl_opdef and carried by a struct that starts with gl_op.
 *
 * To add a call: a struct if it has arguments, a list of gl_param, a `run` of three lines and a row in the class's table.
 */
#ifndef GL_OP_H
#define GL_OP_H

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <lua.h>
#include <stdbool.h>

#include "call/connection.h"
#include "call/kinds.h"
#include "call/object.h"
#include "call/param.h"
#include "loop/work.h"

/* Each lane of a guest has one call under way at a time; the next ones queue behind it. */
typedef enum gl_lane {
  GL_LANE_CHANGE, /* changes the guest */
  GL_LANE_BESIDE, /* looks at a call under way, helps it or ends it */
  GL_LANE_END,    /* ends the guest, and so all its calls */
  GL_LANE_STREAM, /* opens and ends what has one user at a time: the next one comes when the one before has ended */
  GL_LANE_AGENT,  /* speaks to the guest's agent, independent of the guest's jobs in libvirt */
} gl_lane;

/* What is in the table that comes back: name, a LuaCATS type, and what it says. Lists end with a NULL name. */
typedef struct gl_result_field {
  const char *name, *type, *help;
} gl_result_field;

/* The most results of a call. */
#define GL_MOST_RESULTS 6

typedef struct gl_opdef {
  const char *name;
  const char *call; /* libvirt's function, for the error and the manual */
  const char *help; /* its description in the manual, help() and the editor */
  /* The results: a LuaCATS type for each value, optionally with a name, as in "Guest?", "Element[]", "integer code". Classes have their Lua
   * names. Editors, completion and a dry run go by this; `returns` explains it to people. */
  const char *result[GL_MOST_RESULTS];
  const char *returns;
  const gl_result_field *fields; /* in place of `returns`: those of the table, or of each table in the list; NULL: it is no such table */
  const gl_param *params;
  size_t size; /* of the struct that starts with gl_op; 0: gl_op itself */

  /* Checks the arguments as a whole, before anything is under way, and raises an error if they are wrong. Lua thread; may be NULL. */
  void (*check)(lua_State *L, gl_op *op);

  /* Does what `run` does, if that is possible now without libvirt and without waiting for anybody: then the call needs no worker. Lua
   * thread; may be NULL. */
  bool (*at_hand)(gl_op *op);

  /* Makes the call; negative means that it failed. Any thread: reads the op, never touches Lua. */
  int (*run)(gl_op *op);

  /* Pushes the results and returns their number. Lua thread; NULL: no results. */
  int (*push)(lua_State *L, gl_op *op);

  /* Which class of objects `push` makes: virt/object/named.h. */
  const void *gives;

  /* Nobody waits for the call any more, and it is under way: what `run` looks at to end early. Lua thread, and it never blocks; may be
   * NULL. */
  void (*stop)(gl_op *op);

  /* Pushes how far a call under way is: what its option `on_progress`, a function, is called with each half second. May be NULL. */
  void (*progress)(lua_State *L, const gl_op *op);

  /* Frees what run made and push did not hand on. Lua thread. */
  void (*release)(gl_op *op);

  /* It changes something: a dry run logs it instead of making it. The script gets 0 if the first result is an "integer", true if it is a
   * "boolean", nothing if there is no result; any other call is refused. */
  bool changes;

  /* An argument is a device that the guest has: if it has none the kind is "device_not_found", whatever code libvirt picks. */
  bool names_device;

  /* Never waits for a guest or for the disk: in this process not worth a worker, unless another task would use the time. A daemon may never
   * answer, and what asks it has to be stopped then. */
  bool quick;

  gl_lane lane;

  /* It may last for hours: few of these are under way at a time, so that the connection is there for others. */
  bool slow;

  /* The method that ends the call in libvirt: called when a wait for the call is cancelled. */
  const char *aborts;

  /* Reads only this process's memory: never worth a worker. */
  bool memory;

  /* Replaces all of the above if no libvirt call is made. The arguments are read already, into a struct of `size` that starts with gl_args
   * (0: gl_args itself) and ends with this call; self and what `stays` are on the stack. */
  int (*invoke)(lua_State *L, gl_args *args);
} gl_opdef;

/* The two common cases: a look at a guest, and a change of it. Any other row sets the fields one by one. */
#define GL_LOOK .quick = true, .lane = GL_LANE_BESIDE
#define GL_CHANGE .changes = true, .lane = GL_LANE_CHANGE

struct gl_op {
  gl_args args;
  const gl_opdef *def;
  gl_state *state;
  gl_connection *connection; /* its gate admits this op or makes it wait; NULL: none */
  gl_handle *subject;        /* the object it works on; NULL: no existing object */
  virConnectPtr connect;     /* its libvirt connection; the subject keeps it open */
  const char *part;          /* the name of a part of the subject: a guest's "vda" */
  const char *part_type;     /* "disk" */
  const char *uri;           /* the connection's, for errors */
  const char *call;          /* libvirt's function, if run has called another than the row's; NULL: the row's */

  int rc;             /* run's return value */
  bool lost;          /* the connection was lost when it failed */
  const char *failed; /* the kind of a failure that is not libvirt's, and its message: gl_op_fail */
  const char *why;
  virErrorPtr error; /* libvirt's; run may keep it here if it calls libvirt after that */
  bool watched;      /* somebody looks at it (watch.h) */
  uint64_t took;     /* how many ns run took, if it is watched */

  /* For the path to a worker and back. */
  bool held;           /* connection and subject are counted; the worker releases the subject as soon as the call is over */
  long long worked;    /* the worker's processor time, in ns, if instructions are counted */
  int on_progress;     /* the stack index of the script's function; 0: none */
  double ends;         /* when no time is left; infinity: it is not bounded */
  double nudge;        /* seconds until the next nudge; 0: no daemon could need one */
  bool orphan;         /* nobody waits any more: what it owns is freed when the call is over */
  int place;           /* in the registry, which keeps it then; LUA_NOREF: it is no userdata, but freed as well */
  gl_waitlist waiters; /* to wake then */
  gl_work work;        /* of which the phase is the call's: new, if it needs no worker */
};

/* Bytes of its struct: those of all fields, zero at first. */
static inline size_t gl_op_size(const gl_opdef *def)
{
  return def->size ? def->size : sizeof(gl_op);
}

/* The op's subject, while it runs. */
static inline virDomainPtr gl_op_domain(const gl_op *op)
{
  return op->subject->ptr;
}
static inline virConnectPtr gl_op_connect(const gl_op *op)
{
  return op->connect;
}

/* For run: a failure that is not libvirt's. Both strings live as long as the op. Use as `return gl_op_fail(…)`. */
static inline int gl_op_fail(gl_op *op, const char *kind, const char *why)
{
  op->failed = kind;
  op->why = why;
  return -1;
}

#endif
