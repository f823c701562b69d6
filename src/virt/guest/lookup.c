/* Guest: finding devices in its configuration. */
#include <lauxlib.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "call/op_error.h"
#include "element/node.h"
#include "text/xml.h"
#include "virt/guest/devtypes.h"
#include "virt/guest/rows.h"

static const gl_opdef get_disk_def, get_device_by_alias_def;

typedef struct lookup_op {
  gl_op op;
  const char *devtype, *device, *devalias, *mac;
  xmlDocPtr doc;
  xmlNodePtr *found;
  int count;
} lookup_op;

#define FROM_PERSISTENT_CONFIG \
  GL_OPTION_FLAG("from_persistent_config", VIR_DOMAIN_XML_INACTIVE, "read the persistent configuration, not the running guest's")

#define MAC_FORMAT "%2x:%2x:%2x:%2x:%2x:%2x%n"
#define MAC_PARTS(a) &(a)[0], &(a)[1], &(a)[2], &(a)[3], &(a)[4], &(a)[5]

#define REQUIRED (1u << 31) /* an option that libvirt does not have */
#define IS_REQUIRED                    \
  GL_OPTION_FLAG("required", REQUIRED, \
                 "raise an error of kind \"device_not_found\" if there is none, so that no nil goes on into the script")

static char *configuration(gl_op *op)
{
  return virDomainGetXMLDesc(gl_op_domain(op), op->args.flags & ~REQUIRED);
}

/* Any thread. 0, or -1 with libvirt's error or none (the XML that libvirt gave is no XML). */
static int fetch(gl_op *op)
{
  lookup_op *self = (lookup_op *)op;
  char message[256];
  char *text = configuration(op);
  if (!text)
    return -1;
  self->doc = gl_xml_parse(text, strlen(text), message, sizeof message);
  free(text);
  return self->doc ? 0 : -1;
}

static void lookup_release(gl_op *op)
{
  xmlFreeDoc(((lookup_op *)op)->doc);
  free(((lookup_op *)op)->found);
}

static _Noreturn void not_found(lua_State *L, const gl_op *op, const char *name)
{
  bool disk = op->def == &get_disk_def;
  gl_error_push(L, "device_not_found");
  gl_error_set_hint(L, "device_not_found", op->def->name, disk ? "disk" : "guest");
  gl_op_error_set(L, op);
  if (disk)
    gl_error_set(L, "device_type", "disk");
  gl_error_set(L, "device", name);
  lua_pushfstring(L, "the guest has no %s '%s'",
                  disk                                  ? "disk"
                  : op->def == &get_device_by_alias_def ? "device of the alias"
                                                        : "interface",
                  name);
  lua_setfield(L, -2, "message");
  lua_error(L);
  __builtin_unreachable();
}

static int push_first(lua_State *L, gl_op *op)
{
  lookup_op *self = (lookup_op *)op;
  const char *name = self->device ? self->device : self->devalias ? self->devalias : self->mac;
  if (self->count)
    gl_element_push(L, &self->doc, self->found[0]);
  else if (op->args.flags & REQUIRED)
    not_found(L, op, name ? name : "");
  else
    lua_pushnil(L);
  return 1;
}

static int push_all(lua_State *L, gl_op *op)
{
  lookup_op *self = (lookup_op *)op;
  lua_createtable(L, self->count, 0);
  for (int i = 0; i < self->count; i++) {
    if (i == 0) {
      gl_element_push(L, &self->doc, self->found[0]);
    } else {
      lua_rawgeti(L, -1, 1);
      gl_element_push_other(L, -1, self->found[i]);
      lua_remove(L, -2);
    }
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* Whether it has the address: libvirt keeps it in lower case, and a part may lack its zero. */
static bool has_mac(xmlNodePtr device, const char *wanted)
{
  xmlNodePtr mac = gl_xml_child(device, "mac");
  xmlChar *text = mac ? xmlGetNoNsProp(mac, (const xmlChar *)"address") : NULL;
  unsigned a[6], b[6];
  int end = 0, other = 0;
  bool same = text && sscanf((char *)text, MAC_FORMAT, MAC_PARTS(a), &end) == 6 && sscanf(wanted, MAC_FORMAT, MAC_PARTS(b), &other) == 6 &&
              !text[end] && !wanted[other] && memcmp(a, b, sizeof a) == 0;
  xmlFree(text);
  return same;
}

static bool wanted(const lookup_op *self, xmlNodePtr device)
{
  if (gl_xml_element_is(device, "emulator")) /* it is among the devices but not a device */
    return false;
  return (!self->devtype || gl_devtype_matches(device, self->devtype)) &&
         (!self->devalias || gl_xml_attribute_is(gl_xml_child(device, "alias"), "name", self->devalias)) &&
         (!self->mac || has_mac(device, self->mac));
}

/* Any thread: finds the matching devices, in document order. */
static int lookup_run(gl_op *op)
{
  lookup_op *self = (lookup_op *)op;
  if (fetch(op) < 0)
    return -1;
  xmlNodePtr first = gl_xml_child(gl_xml_child(xmlDocGetRootElement(self->doc), "devices"), NULL);
  int room = 0;
  for (xmlNodePtr device = first; device; device = gl_xml_element(device->next, NULL)) {
    if (!wanted(self, device))
      continue;
    if (self->count == room) {
      room = room ? room * 2 : 16;
      xmlNodePtr *more = realloc(self->found, (size_t)room * sizeof *more);
      if (!more)
        return -1;
      self->found = more;
    }
    self->found[self->count++] = device;
  }
  return 0;
}

static void check_devtype(lua_State *L, gl_op *op)
{
  const char *devtype = ((lookup_op *)op)->devtype;
  if (devtype)
    gl_devtype_check(L, op->def->name, devtype);
}

static const gl_param get_all_devices_params[] = {
  GL_ARG_OR_NIL(lookup_op, devtype, &gl_string,
                "an element's name, as in \"disk\", or a class of the reference, as in \"LibvirtConfigGuestDisk\""),
  FROM_PERSISTENT_CONFIG,
  GL_END,
};
static const gl_opdef get_all_devices_def = {
  .name = "get_all_devices",
  .call = "virDomainGetXMLDesc",
  .help = "The guest's devices, all of them or of one kind, in the order of the configuration.",
  .result = {"Element[]"},
  .params = get_all_devices_params,
  .size = sizeof(lookup_op),
  .check = check_devtype,
  .run = lookup_run,
  .push = push_all,
  .release = lookup_release,
  GL_LOOK,
};

static const gl_param get_all_disks_params[] = {FROM_PERSISTENT_CONFIG, GL_END};

static int get_all_disks_run(gl_op *op)
{
  ((lookup_op *)op)->devtype = "disk";
  return lookup_run(op);
}
static const gl_opdef get_all_disks_def = {
  .name = "get_all_disks",
  .call = "virDomainGetXMLDesc",
  .help = "The guest's disks: get_all_devices(\"disk\").",
  .result = {"Element[]"},
  .params = get_all_disks_params,
  .size = sizeof(lookup_op),
  .run = get_all_disks_run,
  .push = push_all,
  .release = lookup_release,
  GL_LOOK,
};

static const gl_param get_disk_params[] = {
  GL_ARG(lookup_op, device, &gl_string, "the disk's target, as in \"vda\", or the file of its source"),
  FROM_PERSISTENT_CONFIG,
  IS_REQUIRED,
  GL_END,
};

static int get_disk_run(gl_op *op)
{
  lookup_op *self = (lookup_op *)op;
  xmlNodePtr disk;
  char *text = configuration(op);
  if (!text)
    return -1;
  self->doc = gl_xml_parse_disk(text, self->device, &disk);
  free(text);
  if (!self->doc)
    return -1;
  self->found = disk ? malloc(sizeof *self->found) : NULL;
  if (self->found) {
    self->found[0] = disk;
    self->count = 1;
  }
  return 0;
}
static const gl_opdef get_disk_def = {
  .name = "get_disk",
  .call = "virDomainGetXMLDesc",
  .help = "The element of the disk with `device` as its target or, if there is none, as its source file.",
  .result = {"Element?"},
  .returns = "Element, or nil if there is none",
  .params = get_disk_params,
  .size = sizeof(lookup_op),
  .run = get_disk_run,
  .push = push_first,
  .release = lookup_release,
  GL_LOOK,
};

static const gl_param get_device_by_alias_params[] = {
  GL_ARG(lookup_op, devalias, &gl_string, "the device's alias, as in \"ua-mydisk\""),
  GL_OPTION(lookup_op, devtype, &gl_string, "search only this kind of devices, as in get_all_devices"),
  FROM_PERSISTENT_CONFIG,
  IS_REQUIRED,
  GL_END,
};
static const gl_opdef get_device_by_alias_def = {
  .name = "get_device_by_alias",
  .call = "virDomainGetXMLDesc",
  .help = "The device with that alias.",
  .result = {"Element?"},
  .returns = "Element, or nil if there is none",
  .params = get_device_by_alias_params,
  .size = sizeof(lookup_op),
  .check = check_devtype,
  .run = lookup_run,
  .push = push_first,
  .release = lookup_release,
  GL_LOOK,
};

static const gl_param get_interface_by_mac_params[] = {
  GL_ARG_OR_NIL(lookup_op, mac, &gl_string, "the MAC address, in upper or lower case"),
  IS_REQUIRED,
  GL_END,
};

/* The value of an attribute, which is the document's; NULL: there is none. */
static const char *attribute_of(xmlNodePtr node, const char *name)
{
  xmlAttrPtr a = node ? xmlHasNsProp(node, (const xmlChar *)name, NULL) : NULL;
  return !a ? NULL : a->children ? (const char *)a->children->content : "";
}

/* Adds " name" of a child's attribute to the text on top of the stack. */
static void add_word(lua_State *L, xmlNodePtr device, const char *child, const char *attribute)
{
  const char *value = attribute_of(gl_xml_child(device, child), attribute);
  if (!value)
    return;
  lua_pushfstring(L, "%s %s", lua_tostring(L, -1), value);
  lua_remove(L, -2);
}

/* Two interfaces may share an address: which of them is meant nobody knows. */
static int push_only(lua_State *L, gl_op *op)
{
  lookup_op *self = (lookup_op *)op;
  if (self->count < 2)
    return push_first(L, op);
  gl_error_push(L, "device_ambiguous");
  gl_op_error_set(L, op);
  gl_error_set(L, "device", self->mac);
  gl_error_set(L, "hint", "name it by its alias: guest:get_device_by_alias(alias)");
  lua_pushfstring(L, "%d interfaces of the guest have this MAC address:", self->count);
  lua_newtable(L);
  for (int i = 0; i < self->count; i++) {
    lua_pushliteral(L, "<interface>");
    add_word(L, self->found[i], "target", "dev");
    add_word(L, self->found[i], "alias", "name");
    add_word(L, self->found[i], "source", "bridge");
    add_word(L, self->found[i], "source", "network");
    lua_pushfstring(L, "%s%s %s", lua_tostring(L, -3), i ? ";" : "", lua_tostring(L, -1));
    lua_replace(L, -4);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -3, "candidates");
  lua_setfield(L, -2, "message");
  return lua_error(L);
}

static int get_interface_by_mac_run(gl_op *op)
{
  lookup_op *self = (lookup_op *)op;
  self->devtype = "interface";
  return self->mac && *self->mac ? lookup_run(op) : 0;
}
static const gl_opdef get_interface_by_mac_def = {
  .name = "get_interface_by_mac",
  .call = "virDomainGetXMLDesc",
  .help = "The network interface of that MAC address; an error of kind \"device_ambiguous\" names them if there are several. Without an "
          "address libvirt is not asked.",
  .result = {"Element?"},
  .returns = "Element, or nil if there is none",
  .params = get_interface_by_mac_params,
  .size = sizeof(lookup_op),
  .run = get_interface_by_mac_run,
  .push = push_only,
  .release = lookup_release,
  GL_LOOK,
};

static int get_config_push(lua_State *L, gl_op *op)
{
  lookup_op *self = (lookup_op *)op;
  gl_element_push(L, &self->doc, xmlDocGetRootElement(self->doc));
  return 1;
}
static const gl_opdef get_config_def = {
  .name = "get_config",
  .call = "virDomainGetXMLDesc",
  .help = "The guest's whole configuration.",
  .result = {"Element"},
  .size = sizeof(lookup_op),
  .run = fetch,
  .push = get_config_push,
  .release = lookup_release,
  GL_LOOK,
};

static int get_interfaces_run(gl_op *op)
{
  ((lookup_op *)op)->devtype = "interface";
  return lookup_run(op);
}

static int get_interfaces_push(lua_State *L, gl_op *op)
{
  lookup_op *self = (lookup_op *)op;
  lua_newtable(L);
  for (int i = 0, n = 0; i < self->count; i++)
    for (xmlNodePtr t = gl_xml_child(self->found[i], "target"); t; t = gl_xml_element(t->next, "target")) {
      const char *dev = attribute_of(t, "dev");
      if (!dev)
        continue;
      lua_pushstring(L, dev);
      lua_rawseti(L, -2, ++n);
    }
  return 1;
}
static const gl_opdef get_interfaces_def = {
  .name = "get_interfaces",
  .call = "virDomainGetXMLDesc",
  .help = "The names of the guest's network interfaces on the host.",
  .result = {"string[]"},
  .returns = "a list of strings, as in \"vnet0\"; an interface without a name is left out",
  .size = sizeof(lookup_op),
  .run = get_interfaces_run,
  .push = get_interfaces_push,
  .release = lookup_release,
  GL_LOOK,
};

const gl_opdef *const gl_guest_lookup_ops[] = {
  &get_config_def,          &get_all_devices_def,      &get_all_disks_def,  &get_disk_def,
  &get_device_by_alias_def, &get_interface_by_mac_def, &get_interfaces_def, NULL,
};
