/* Network: what is written by hand. */
#include <lauxlib.h>
#include <stdlib.h>

#include "event/subscription.h"
#include "virt/object/generated.h"
#include "virt/object/rows.h"

typedef struct leases_op {
  gl_op op;
  const char *mac;
  virNetworkDHCPLeasePtr *leases;
  int count;
} leases_op;

static const gl_param leases_params[] = {
  GL_ARG_OR_NIL(leases_op, mac, &gl_string, "of this MAC address only; nil: all"),
  GL_END,
};

static int leases_run(gl_op *op)
{
  leases_op *self = (leases_op *)op;
  int count = virNetworkGetDHCPLeases(op->subject->ptr, self->mac, &self->leases, 0);
  self->count = count < 0 ? 0 : count;
  return count;
}

static int leases_push(lua_State *L, gl_op *op)
{
  const leases_op *self = (leases_op *)op;
  lua_createtable(L, self->count, 0);
  for (int i = 0; i < self->count; i++) {
    const virNetworkDHCPLease *one = self->leases[i];
    lua_createtable(L, 0, 9);
    gl_set_text(L, "iface", one->iface);
    gl_set_integer(L, "expirytime", one->expirytime);
    gl_set_word(L, "type", &gl_enum_virIPAddrType, one->type);
    gl_set_text(L, "mac", one->mac);
    gl_set_text(L, "iaid", one->iaid);
    gl_set_text(L, "ipaddr", one->ipaddr);
    gl_set_integer(L, "prefix", one->prefix);
    gl_set_text(L, "hostname", one->hostname);
    gl_set_text(L, "clientid", one->clientid);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static void leases_release(gl_op *op)
{
  leases_op *self = (leases_op *)op;
  for (int i = 0; i < self->count; i++)
    virNetworkDHCPLeaseFree(self->leases[i]);
  free(self->leases);
}

static const gl_result_field lease_fields[] = {
  {"iface", "string", "the network's interface"},
  {"expirytime", "integer", "seconds since 1970"},
  {"type", "string", "\"ipv4\" or \"ipv6\""},
  {"mac", "string?", "who has it"},
  {"iaid", "string?", "of IPv6, the client's number for it"},
  {"ipaddr", "string", "the address"},
  {"prefix", "integer", "bits of the network"},
  {"hostname", "string?", "as the client calls itself"},
  {"clientid", "string?", "as the client says"},
  {NULL, NULL, NULL},
};

#define LEASES(name_, text)                                                                                                         \
  {                                                                                                                                 \
    .name = name_, .call = "virNetworkGetDHCPLeases", .help = text, .result = {"table[]"}, .fields = lease_fields,                  \
    .params = leases_params, .size = sizeof(leases_op), .run = leases_run, .push = leases_push, .release = leases_release, GL_LOOK, \
  }
static const gl_opdef get_dhcp_leases_def =
  LEASES("get_dhcp_leases", "The addresses that the network has lent. network:leases() is the same.");
static const gl_opdef leases_def = LEASES("leases", "The addresses that the network has lent.");

const gl_opdef *const gl_network_ops[] = {&get_dhcp_leases_def, &leases_def, &gl_subscribe_network, NULL};
