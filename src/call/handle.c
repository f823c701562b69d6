#include "call/handle.h"

#include <stdlib.h>
#include <string.h>

static void free_domain(void *ptr)
{
  virDomainFree(ptr);
}
const gl_handle_type gl_domain_handle = {.what = "guest", .free = free_domain};

static void free_connect(void *ptr)
{
  virConnectClose(ptr);
}
const gl_handle_type gl_connect_handle = {.free = free_connect};

gl_handle *gl_handle_new(const gl_handle_type *type, void *ptr, const char *name)
{
  size_t length = strlen(name) + 1;
  gl_handle *h = calloc(1, sizeof *h + length);
  if (!h)
    return NULL;
  h->type = type;
  h->ptr = ptr;
  atomic_init(&h->uses, 1);
  atomic_init(&h->refs, 1);
  memcpy(h->name, name, length);
  return h;
}

gl_handle *gl_handle_of_domain(virDomainPtr dom)
{
  gl_handle *h = gl_handle_new(&gl_domain_handle, dom, virDomainGetName(dom));
  if (h)
    virDomainGetUUID(dom, h->uuid);
  return h;
}

gl_handle *gl_handle_ref(gl_handle *h)
{
  atomic_fetch_add(&h->uses, 1);
  atomic_fetch_add(&h->refs, 1);
  return h;
}

void gl_handle_release(gl_handle *h)
{
  if (atomic_fetch_sub(&h->uses, 1) == 1)
    h->type->free(h->ptr);
}

void gl_handle_forget(gl_handle *h)
{
  if (atomic_fetch_sub(&h->refs, 1) == 1)
    free(h);
}

void gl_handle_unref(gl_handle *h)
{
  if (!h)
    return;
  gl_handle_release(h);
  gl_handle_forget(h);
}

bool gl_handle_same(const gl_handle *a, const gl_handle *b)
{
  return a == b || (a && b && a->type == b->type && memcmp(a->uuid, b->uuid, sizeof a->uuid) == 0);
}
