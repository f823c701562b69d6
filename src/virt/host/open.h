/* Opening connections. */
#ifndef GL_HOST_OPEN_H
#define GL_HOST_OPEN_H

#include "call/op.h"

/* Any thread. credentials may be NULL; keepalive: seconds between probes, 0: none. */
virConnectPtr gl_host_connect(const char *uri, gl_credentials *credentials, unsigned flags, int keepalive, bool *remote);

/* The end of one that nobody waits for any more, on a worker: its daemon may not answer. conn may be NULL. Lua thread. */
void gl_host_discard(gl_state *s, virConnectPtr conn);

/* Whether it stays open until the process ends: it is one that others of the embedded driver's share. Any thread. */
bool gl_host_is_kept(virConnectPtr conn);

/* guestlua.open */
extern const gl_opdef gl_host_open;

#endif
