#include "element/kind.h"

#include <string.h>

#include "base/error.h"
#include "base/printable.h"
#include "call/connection.h"
#include "call/kinds.h"
#include "element/node.h"
#include "text/mask.h"
#include "text/xml.h"

static void read_xml(lua_State *L, int index, const gl_reader *r)
{
  if (gl_element_test(L, index)) {
    gl_element_push_xml(L, index);
    lua_replace(L, index); /* anchors the text during the call */
  }
  gl_kind_read_text(L, index, r);
}

static const char *text_of(const gl_param *p, const gl_args *args)
{
  return *(const char *const *)gl_param_field(p, args);
}

static void show_xml(lua_State *L, const gl_param *p, const gl_args *args)
{
  gl_printable_push_own(L, gl_mask_xml(text_of(p, args)));
}

static char *mask_xml(char *message, const gl_param *p, const gl_args *args)
{
  return gl_mask_values_of(message, text_of(p, args));
}

const gl_kind gl_xml = {.name = "Element or XML text", .secrecy = GL_KNOWN_XML, .read = read_xml, .show = show_xml, .mask = mask_xml};

/* What is no XML libvirt refuses by itself. */
static bool is_disk_without_target(const char *text)
{
  char message[256];
  xmlDocPtr doc = gl_xml_parse(text, strlen(text), message, sizeof message);
  xmlNodePtr disk = doc ? xmlDocGetRootElement(doc) : NULL;
  bool without = disk && gl_xml_element_is(disk, "disk");
  xmlNodePtr target = without ? gl_xml_child(disk, "target") : NULL; /* of several libvirt takes the first */
  without = without && !(target && gl_xml_attribute(target, BAD_CAST "dev"));
  xmlFreeDoc(doc);
  return without;
}

void gl_xml_check_detached(lua_State *L, gl_op *op)
{
  const gl_param *device = op->def->params;
  const char *text = *(const char **)((char *)op + device->offset);
  if (strncmp(op->connection->uri, "qemu", 4) == 0 && is_disk_without_target(text))
    gl_error_argument(L, op->def->name, device->name, "a <disk> without a <target dev>, by which QEMU's driver knows the disk");
}
