/*
 * What distinguishes an object from a later one of its name: a snapshot, a checkpoint, a volume, a network, a pool, an interface, the
 * filters on a port. If libvirt knows it by its name, a script that has found one would otherwise change the other.
 */
#ifndef GL_OBJECT_IDENTITY_H
#define GL_OBJECT_IDENTITY_H

#include <stdbool.h>

/* As in gl_handle_type. */
char *gl_identity_of_snapshot(void *ptr, const char *uri, bool found);
char *gl_identity_of_checkpoint(void *ptr, const char *uri, bool found);
char *gl_identity_of_network(void *ptr, const char *uri, bool found);
char *gl_identity_of_storagepool(void *ptr, const char *uri, bool found);
char *gl_identity_of_interface(void *ptr, const char *uri, bool found);
char *gl_identity_of_nwfilterbinding(void *ptr, const char *uri, bool found);
char *gl_identity_of_volume(void *ptr, const char *uri, bool found);

#endif
