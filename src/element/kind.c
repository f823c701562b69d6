#include "element/kind.h"

#include "base/printable.h"
#include "call/kinds.h"
#include "element/node.h"
#include "text/mask.h"

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
