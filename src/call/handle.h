/*
 * A reference to a libvirt object, shared by its Lua object and by every call on it, with the object's name and UUID.
 *
 * It has two counts. A user of the pointer holds a use: the last release frees the pointer, on any thread, as that may speak to the
 * daemon. Code that only needs the name afterwards holds the memory. Apart from that it never changes.
 */
#ifndef GL_HANDLE_H
#define GL_HANDLE_H

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

typedef struct gl_handle gl_handle;

/* What kind of object it is. */
typedef struct gl_handle_type {
  const char *what;                /* what people call it: "guest"; NULL: its name is the connection's URI */
  const struct gl_handle_type *of; /* what it is a part of: they have the uuid in common, and their calls wait for each other */
  bool by_name;                    /* name and owner identify it, and not the uuid */
  void (*free)(void *ptr);

  /* The same object on another connection: any thread. NULL: *why, which was NULL, is libvirt's error, for virFreeError; `missing` is its
   * code if there is no such one. NULL still: no memory. */
  gl_handle *(*find)(virConnectPtr conn, const gl_handle *h, virErrorPtr *why);
  int missing;

  /* What distinguishes it from a later one of its name, as a text to be freed; NULL: that cannot be seen. found: the pointer is new. Any
   * thread. NULL in place of the function: nothing does. */
  char *(*identity)(void *ptr, const char *uri, bool found);
} gl_handle_type;

extern const gl_handle_type gl_domain_handle, gl_connect_handle;

struct gl_handle {
  const gl_handle_type *type;
  void *ptr;
  atomic_int uses, refs;
  unsigned char uuid[VIR_UUID_BUFLEN];
  char *identity;    /* what its type has said when it was found; NULL: nothing */
  const char *owner; /* the name of what it is a part of, or what else distinguishes it from others of its name; NULL: nothing */
  char name[];
};

/* A new one with one use, which takes over the pointer. NULL: no memory, and the pointer is the caller's still. owner may be NULL. */
gl_handle *gl_handle_new(const gl_handle_type *type, void *ptr, const char *name);
gl_handle *gl_handle_new_of(const gl_handle_type *type, void *ptr, const char *name, const char *owner);
gl_handle *gl_handle_of_domain(virDomainPtr dom);

/* Whether one that has an identity is not what was found, but a later one of its name. Any thread. */
bool gl_handle_is_another(const gl_handle *h, const char *uri);

/* One more use. */
static inline gl_handle *gl_handle_ref(gl_handle *h)
{
  atomic_fetch_add(&h->uses, 1);
  atomic_fetch_add(&h->refs, 1);
  return h;
}

/* The end of a use of the pointer; of the memory; of both, with NULL allowed. Any thread. */
static inline void gl_handle_release(gl_handle *h)
{
  if (atomic_fetch_sub(&h->uses, 1) == 1)
    h->type->free(h->ptr);
}
static inline void gl_handle_forget(gl_handle *h)
{
  if (atomic_fetch_sub(&h->refs, 1) != 1)
    return;
  free(h->identity);
  free(h);
}
void gl_handle_unref(gl_handle *h);

/* A UUID as people write it: fills in VIR_UUID_STRING_BUFLEN bytes. */
void gl_handle_uuid_text(const unsigned char *uuid, char *text);

/* Whether libvirt's error code says that an object of some kind is not there. */
bool gl_handle_is_missing(int code);

/* Whether both mean the same object of libvirt's, or parts of the same one. */
bool gl_handle_same(const gl_handle *a, const gl_handle *b);

#endif
