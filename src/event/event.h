/*
 * libvirt's event thread -> queue -> Lua.
 *
 * One thread a process runs libvirt's event loop. Its callbacks copy what they got into a gl_event, put that into the state's gl_queue and
 * wake the Lua thread, which sorts the events by subscription. A subscription is counted: one for its userdata, one for each event under
 * way. libvirt has one registration for each kind of event of a host, counted as well: libvirt's freecb may run on any thread and drops its
 * count.
 */
#ifndef GL_EVENT_H
#define GL_EVENT_H

#include <lua.h>
#include <stdbool.h>
#include <uv.h>

#include "call/class.h"
#include "call/op.h"
#include "loop/state.h"

/* Registers libvirt's default event implementation and starts its thread, once a process. A program that registered one of its own before
 * keeps it. Returns 0, or -1 where the thread could not be started. */
int gl_event_start(void);

/* Before the first gl_event_start: that the program registers and runs libvirt's event loop itself, that it keeps libvirt's error function.
 * Negative: it is too late for that. */
int gl_event_choose(bool own_loop, bool own_error_function);

/* Whether the program runs the loop. */
bool gl_event_is_programs(void);

#define GL_EVENT_PATIENCE 10 /* seconds */

/* Any thread but the one that runs libvirt's loop: whether that turns, waiting some time for it. Negative: it does not. Our own thread
 * always does. */
int gl_event_runs(void);

/* Ends the thread; for the end of the process only. */
void gl_event_stop(void);

/* Makes the queue of the state, which lasts until the state closes: later callbacks drop what they bring. [-0, +0, e] */
void gl_event_open(lua_State *L, gl_state *s);

extern const gl_class gl_subscription_class;

/* For an operation that has to hear of what it causes: registers, on the op's worker, before the call that it makes. The op owns the result
 * until gl_sub_push hands it on. Negative where libvirt refused. Any thread. */
typedef struct gl_sub gl_sub;
int gl_sub_register(gl_op *op, long long events, gl_sub **sub); /* events: a bit for each id */

/* Pushes a Subscription that takes over *sub, and keeps the object at index 1 alive. [-0, +1, e] */
void gl_sub_push(lua_State *L, gl_op *op, gl_sub **sub);

/* For release: ends what was not handed on. sub may be NULL. */
void gl_sub_drop(gl_sub *sub);

/* Ends all registrations of a host that is being closed. Any thread. */
void gl_event_deregister(gl_host *host);

/* Moves all registrations of a host to a new connection; negative where libvirt refused one. Then, when the host has it: tells all its
 * subscriptions that what happened for host->gap seconds was not heard. Both on a worker. */
int gl_event_reconnect(gl_host *host, virConnectPtr new);
void gl_event_tell_gap(gl_host *host);

/* The row "subscribe" for the table of a class: where a guest is bound it hears of that guest only. */
extern const gl_opdef gl_subscribe;

#endif
