#include "virt/guest/devtypes.h"

#include <lauxlib.h>
#include <string.h>

#include "base/error.h"
#include "text/xml.h"

/* What get_all_devices can be asked for: a device element of libvirt's, or a class of the reference. */
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

/* A class of the reference that has subclasses: it stands for them. */
static bool is_kind_of(const char *wanted, const struct devtype *class)
{
  static const char prefix[] = "LibvirtConfigGuest";
  if (strncmp(class->name, prefix, sizeof prefix - 1) != 0)
    return false;
  return strcmp(wanted, "LibvirtConfigGuestDevice") == 0 ||
         (strcmp(wanted, "LibvirtConfigGuestHostdev") == 0 && strcmp(class->element, "hostdev") == 0);
}

static bool is_known(const char *name)
{
  for (int i = 0; i < DEVTYPES; i++)
    if (strcmp(devtypes[i].name, name) == 0 || is_kind_of(name, &devtypes[i]))
      return true;
  return false;
}

bool gl_devtype_matches(xmlNodePtr device, const char *wanted)
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

void gl_devtype_check(lua_State *L, const char *method, const char *devtype)
{
  if (is_known(devtype))
    return;
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (int i = 0; i < DEVTYPES; i++) {
    luaL_addstring(&b, i ? ", " : "");
    luaL_addstring(&b, devtypes[i].name);
  }
  luaL_addstring(&b, ", LibvirtConfigGuestHostdev, LibvirtConfigGuestDevice");
  luaL_pushresult(&b);
  gl_error_argument(L, method, "devtype", "no device '%s'; there are: %s", devtype, lua_tostring(L, -1));
}
