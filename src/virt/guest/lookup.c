/* Guest: finding devices in its configuration. */
#include <lauxlib.h>
#include <libvirt/virterror.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "element/node.h"
#include "text/xml.h"
#include "virt/guest/rows.h"

/* The kinds for get_all_devices: a device element of libvirt, or a class of the reference. */
static const struct devtype {
  const char *name, *element, *attribute, *value;
} devtypes[] = {
#define ELEMENT(name)      \
  {                        \
    name, name, NULL, NULL \
  }
  ELEMENT("disk"),
  ELEMENT("interface"),
  ELEMENT("hostdev"),
  ELEMENT("filesystem"),
  ELEMENT("memory"),
  ELEMENT("iommu"),
  ELEMENT("controller"),
  ELEMENT("lease"),
  ELEMENT("smartcard"),
  ELEMENT("redirdev"),
  ELEMENT("redirfilter"),
  ELEMENT("input"),
  ELEMENT("graphics"),
  ELEMENT("video"),
  ELEMENT("sound"),
  ELEMENT("audio"),
  ELEMENT("parallel"),
  ELEMENT("serial"),
  ELEMENT("console"),
  ELEMENT("channel"),
  ELEMENT("hub"),
  ELEMENT("memballoon"),
  ELEMENT("rng"),
  ELEMENT("nvram"),
  ELEMENT("shmem"),
  ELEMENT("vsock"),
  ELEMENT("tpm"),
  ELEMENT("panic"),
  ELEMENT("watchdog"),
  ELEMENT("crypto"),
  {"LibvirtConfigGuestDisk", "disk", NULL, NULL},
  {"LibvirtConfigGuestInterface", "interface", NULL, NULL},
  {"LibvirtConfigGuestHostdevPCI", "hostdev", "type", "pci"},
  {"LibvirtConfigGuestHostdevMDEV", "hostdev", "type", "mdev"},
  {"LibvirtConfigGuestFilesys", "filesystem", NULL, NULL},
  {"LibvirtConfigGuestVPMEM", "memory", "model", "nvdimm"},
  {"LibvirtConfigGuestIOMMU", "iommu", NULL, NULL},
};
#define DEVTYPES ((int)(sizeof devtypes / sizeof *devtypes))

/* A class of the reference with subclasses: it stands for them. */
static bool is_kind_of(const char *wanted, const struct devtype *class)
{
  static const char prefix[] = "LibvirtConfigGuest";
  if (strncmp(class->name, prefix, sizeof prefix - 1) != 0)
    return false;
  return strcmp(wanted, "LibvirtConfigGuestDevice") == 0 ||
         (strcmp(wanted, "LibvirtConfigGuestHostdev") == 0 && strcmp(class->element, "hostdev") == 0);
}

static bool known_devtype(const char *name)
{
  for (int i = 0; i < DEVTYPES; i++)
    if (strcmp(devtypes[i].name, name) == 0 || is_kind_of(name, &devtypes[i]))
      return true;
  return false;
}

static bool matches_devtype(xmlNodePtr device, const char *wanted)
{
  for (int i = 0; i < DEVTYPES; i++) {
    const struct devtype *d = &devtypes[i];
    if (strcmp(d->name, wanted) != 0 && !is_kind_of(wanted, d))
      continue;
    if (gl_xml_element_is(device, d->element) && (!d->attribute || gl_xml_attribute_is(device, d->attribute, d->value)))
      return true;
  }
  return false;
}

typedef struct lookup_op {
  gl_op op;
  const char *devtype, *device, *devalias, *mac;
  xmlDocPtr doc;
  xmlNodePtr *found;
  int count;
} lookup_op;

#define FROM_PERSISTENT_CONFIG \
  GL_OPTION_FLAG("from_persistent_config", VIR_DOMAIN_XML_INACTIVE, "read the persistent configuration, not the running guest's")

/* Any thread. 0, or -1 with libvirt's error, or without one (libvirt's answer is not XML). */
static int fetch(gl_op *op)
{
  lookup_op *self = (lookup_op *)op;
  char message[256];
  char *text = virDomainGetXMLDesc(gl_op_domain(op), op->args.flags);
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

static int push_first(lua_State *L, gl_op *op)
{
  lookup_op *self = (lookup_op *)op;
  if (self->count)
    gl_element_push(L, &self->doc, self->found[0]);
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

static bool wanted(const lookup_op *self, xmlNodePtr device)
{
  if (gl_xml_element_is(device, "emulator")) /* it is among the devices but not a device */
    return false;
  return (!self->devtype || matches_devtype(device, self->devtype)) &&
         (!self->devalias || gl_xml_attribute_is(gl_xml_child(device, "alias"), "name", self->devalias)) &&
         (!self->mac || gl_xml_attribute_is(gl_xml_child(device, "mac"), "address", self->mac));
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
  if (!devtype || known_devtype(devtype))
    return;
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (int i = 0; i < DEVTYPES; i++) {
    luaL_addstring(&b, i ? ", " : "");
    luaL_addstring(&b, devtypes[i].name);
  }
  luaL_addstring(&b, ", LibvirtConfigGuestHostdev, LibvirtConfigGuestDevice");
  luaL_pushresult(&b);
  gl_error_argument(L, op->def->name, "devtype", "no device '%s'; there are: %s", devtype, lua_tostring(L, -1));
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
  GL_END,
};

static int get_disk_run(gl_op *op)
{
  lookup_op *self = (lookup_op *)op;
  if (fetch(op) < 0)
    return -1;
  xmlNodePtr disk = gl_xml_disk(self->doc, self->device);
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
  GL_ARG_OR_NIL(lookup_op, mac, &gl_string, "the MAC address, exactly as the configuration has it"),
  GL_END,
};

static int get_interface_by_mac_run(gl_op *op)
{
  lookup_op *self = (lookup_op *)op;
  self->devtype = "interface";
  return self->mac && *self->mac ? lookup_run(op) : 0;
}
static const gl_opdef get_interface_by_mac_def = {
  .name = "get_interface_by_mac",
  .call = "virDomainGetXMLDesc",
  .help = "The network interface with that MAC address. Without an address libvirt is not called.",
  .result = {"Element?"},
  .returns = "Element, or nil if there is none",
  .params = get_interface_by_mac_params,
  .size = sizeof(lookup_op),
  .run = get_interface_by_mac_run,
  .push = push_first,
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
      xmlAttrPtr dev = xmlHasNsProp(t, (const xmlChar *)"dev", NULL);
      if (!dev)
        continue;
      lua_pushstring(L, dev->children ? (const char *)dev->children->content : "");
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
