#ifndef GL_GUEST_H
#define GL_GUEST_H

#include "class.h"
#include "op.h"

extern const gl_class gl_guest_class;

/* Guest's methods, by what they are about. */
extern const gl_opdef *const gl_guest_info_ops[];     /* guest_info.c: its state */
extern const gl_opdef *const gl_guest_state_ops[];    /* guest_state.c: libvirt's own words for it */
extern const gl_opdef *const gl_guest_lookup_ops[];   /* guest_lookup.c: finding devices */
extern const gl_opdef *const gl_guest_device_ops[];   /* guest_device.c: attaching and detaching, metadata, snapshots */
extern const gl_opdef *const gl_guest_snapshot_ops[]; /* guest_snapshot.c: its snapshots and checkpoints */
extern const gl_opdef *const gl_guest_agent_ops[];    /* guest_agent.c: what the guest agent does */
extern const gl_opdef *const gl_guest_inside_ops[];   /* guest_inside.c: what the agent knows of the system inside */
extern const gl_opdef *const gl_guest_job_ops[];      /* guest_job.c: the guest's own job, and migration */

/* Pushes a Guest that takes over *dom (and sets it to NULL). host_index: the stack index of the Host that it keeps alive. [-0, +1, e] */
void gl_guest_push(lua_State *L, gl_host *host, int host_index, virDomainPtr *dom);

/* After the host's connection was opened again: gives an open Guest its domain on the new one, and takes the one that it had; NULL: there
 * is none any more, and calls raise "no_domain". */
void gl_guest_reconnect(gl_object *guest, virDomainPtr dom);

/* The domain of an open Guest. */
virDomainPtr gl_guest_domain(gl_object *guest);

/* The class's bind: fills in what an operation works on. [-0, +0, v] */
void gl_guest_bind(lua_State *L, gl_object *guest, gl_op *op);

#endif
