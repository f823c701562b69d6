/* Guest's methods, a file for each topic. */
#ifndef GL_GUEST_ROWS_H
#define GL_GUEST_ROWS_H

#include "call/op.h"

extern const gl_opdef *const gl_guest_power_ops[];      /* starting and stopping */
extern const gl_opdef *const gl_guest_config_ops[];     /* its configuration as a whole */
extern const gl_opdef *const gl_guest_info_ops[];       /* its state */
extern const gl_opdef *const gl_guest_state_ops[];      /* libvirt's own words for it */
extern const gl_opdef *const gl_guest_lookup_ops[];     /* finding devices */
extern const gl_opdef *const gl_guest_device_ops[];     /* attaching and detaching */
extern const gl_opdef *const gl_guest_metadata_ops[];   /* an element of its own */
extern const gl_opdef *const gl_guest_snapshot_ops[];   /* its snapshots, and what describes its checkpoints */
extern const gl_opdef *const gl_guest_checkpoint_ops[]; /* backup jobs and checkpoints */
extern const gl_opdef *const gl_guest_agent_ops[];      /* what the guest agent does */
extern const gl_opdef *const gl_guest_inside_ops[];     /* what the agent knows of the system inside */
extern const gl_opdef *const gl_guest_job_ops[];        /* the guest's own job */
extern const gl_opdef *const gl_guest_migrate_ops[];    /* to another host */

/* Those of a Domain, written by hand. */
extern const gl_opdef *const gl_domain_cpu_ops[];    /* pinning, time of processors */
extern const gl_opdef *const gl_domain_memory_ops[]; /* what is in its memory and on its disks, keys */
extern const gl_opdef *const gl_domain_list_ops[];   /* file systems, addresses, threads, labels */
extern const gl_opdef *const gl_domain_screen_ops[]; /* what is on its screen */
extern const gl_opdef *const gl_domain_file_ops[];   /* with open files */

#endif
