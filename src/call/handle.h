/*
 * A reference to a libvirt object, shared by its Lua object and by every call on it, with the object's name and UUID.
 *
 * It has two counts. A user of the pointer holds a use: the last release frees the pointer, on any thread, as that may speak to the
 * daemon. Code that only needs the name afterwards holds the memory. Apart from that it never changes.
 */
#ifndef GL_HANDLE_H
#define GL_HANDLE_H

#include <libvirt/libvirt.h>
#include <stdatomic.h>
#include <stdbool.h>

/* The type of object. */
typedef struct gl_handle_type {
  const char *what; /* the field for its name in errors and in the log: "guest"; NULL: its name is the connection's URI */
  void (*free)(void *ptr);
} gl_handle_type;

extern const gl_handle_type gl_domain_handle, gl_connect_handle;

typedef struct gl_handle {
  const gl_handle_type *type;
  void *ptr;
  atomic_int uses, refs;
  unsigned char uuid[VIR_UUID_BUFLEN];
  char name[];
} gl_handle;

/* A new handle with one use, which takes over the pointer. NULL: no memory, and the pointer is still the caller's. */
gl_handle *gl_handle_new(const gl_handle_type *type, void *ptr, const char *name);
gl_handle *gl_handle_of_domain(virDomainPtr dom);

/* One more use. */
gl_handle *gl_handle_ref(gl_handle *h);

/* The end of a use of the pointer; of the memory; of both, with NULL allowed. Any thread. */
void gl_handle_release(gl_handle *h);
void gl_handle_forget(gl_handle *h);
void gl_handle_unref(gl_handle *h);

/* Whether both refer to the same libvirt object. */
bool gl_handle_same(const gl_handle *a, const gl_handle *b);

#endif
