#include "call/handle.h"

#include <stdlib.h>
#include <string.h>

static void free_domain(void *ptr)
{
  virDomainFree(ptr);
}

static gl_handle *find_domain(virConnectPtr conn, const gl_handle *h, virErrorPtr *why)
{
  virDomainPtr dom = virDomainLookupByUUID(conn, h->uuid);
  *why = dom ? NULL : virSaveLastError();
  gl_handle *found = dom ? gl_handle_of_domain(dom) : NULL;
  if (dom && !found)
    virDomainFree(dom);
  return found;
}
const gl_handle_type gl_domain_handle = {.what = "guest", .free = free_domain, .find = find_domain, .missing = VIR_ERR_NO_DOMAIN};

static void free_connect(void *ptr)
{
  virConnectClose(ptr);
}
const gl_handle_type gl_connect_handle = {.free = free_connect};

gl_handle *gl_handle_new(const gl_handle_type *type, void *ptr, const char *name)
{
  return gl_handle_new_of(type, ptr, name, NULL);
}

gl_handle *gl_handle_new_of(const gl_handle_type *type, void *ptr, const char *name, const char *owner)
{
  size_t length = strlen(name) + 1;
  gl_handle *h = calloc(1, sizeof *h + length + (owner ? strlen(owner) + 1 : 0));
  if (!h)
    return NULL;
  h->type = type;
  h->ptr = ptr;
  atomic_init(&h->uses, 1);
  atomic_init(&h->refs, 1);
  memcpy(h->name, name, length);
  if (owner)
    h->owner = strcpy(h->name + length, owner);
  return h;
}

gl_handle *gl_handle_of_domain(virDomainPtr dom)
{
  gl_handle *h = gl_handle_new(&gl_domain_handle, dom, virDomainGetName(dom));
  if (h)
    virDomainGetUUID(dom, h->uuid);
  return h;
}

bool gl_handle_is_another(const gl_handle *h, const char *uri)
{
  char *now = h->type->identity(h->ptr, uri, false);
  bool another = now && strcmp(now, h->identity) != 0;
  free(now);
  return another;
}

void gl_handle_unref(gl_handle *h)
{
  if (!h)
    return;
  gl_handle_release(h);
  gl_handle_forget(h);
}

void gl_handle_uuid_text(const unsigned char *uuid, char *text)
{
  static const char digits[] = "0123456789abcdef";
  for (int i = 0; i < VIR_UUID_BUFLEN; i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10)
      *text++ = '-';
    *text++ = digits[uuid[i] >> 4];
    *text++ = digits[uuid[i] & 15];
  }
  *text = '\0';
}

bool gl_handle_is_missing(int code)
{
  static const int codes[] = {VIR_ERR_NO_DOMAIN,      VIR_ERR_NO_DOMAIN_SNAPSHOT, VIR_ERR_NO_DOMAIN_CHECKPOINT,
                              VIR_ERR_NO_NETWORK,     VIR_ERR_NO_NETWORK_PORT,    VIR_ERR_NO_STORAGE_POOL,
                              VIR_ERR_NO_STORAGE_VOL, VIR_ERR_NO_NODE_DEVICE,     VIR_ERR_NO_SECRET,
                              VIR_ERR_NO_INTERFACE,   VIR_ERR_NO_NWFILTER,        VIR_ERR_NO_NWFILTER_BINDING};
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
    if (codes[i] == code)
      return true;
  return false;
}

static const gl_handle_type *whole(const gl_handle *h)
{
  return h->type->of ? h->type->of : h->type;
}

static bool same_text(const char *a, const char *b)
{
  return a == b || (a && b && strcmp(a, b) == 0);
}

bool gl_handle_same(const gl_handle *a, const gl_handle *b)
{
  if (a == b || !a || !b || whole(a) != whole(b))
    return a == b;
  return whole(a)->by_name ? strcmp(a->name, b->name) == 0 && same_text(a->owner, b->owner) : memcmp(a->uuid, b->uuid, sizeof a->uuid) == 0;
}
