/*
 * libvirt's event thread -> queue -> Lua.
 *
 * One thread a process runs libvirt's event loop. Its callbacks copy what they got into a gl_event, put that into the state's gl_queue and
 * wake the Lua thread, which sorts the events by subscription. A subscription is counted: one for its userdata, one for libvirt, one for
 * each event under way; libvirt's freecb may run on any thread and only drops its count.
 */
#ifndef GL_EVENT_H
#define GL_EVENT_H

#include <lua.h>
#include <uv.h>

#include "class.h"
#include "op.h"
#include "state.h"

/* Registers libvirt's default event implementation and starts its thread, once a process. A program that registered one of its own before
 * keeps it. Returns 0, or -1 where the thread could not be started. */
int gl_event_start(void);

/* Ends the thread; for the end of the process only. */
void gl_event_stop(void);

/* The queue of a state. Closing it makes later callbacks drop what they bring. */
gl_queue *gl_queue_new(uv_async_t *wakeup);
void gl_queue_close(gl_queue *q);

/* Lua thread: hands what the queue holds to its subscriptions and wakes who waits for it. */
void gl_event_drain(gl_state *s);

extern const gl_class gl_subscription_class;

/* The row "subscribe" for the table of a class: where a guest is bound it hears of that guest only. */
extern const gl_opdef gl_subscribe;

#endif
