#include "element/text.h"

#include <lauxlib.h>
#include <locale.h>
#include <string.h>

#include "base/error.h"
#include "loop/sandbox.h"
#include "text/xml.h"

const xmlChar *gl_xml_check_text(lua_State *L, int index, const char *what)
{
  if (!lua_isstring(L, index))
    gl_error_argument(L, "Element", what, "string or number expected, got %s%s", gl_error_type_name(L, index),
                      lua_isboolean(L, index) ? "; XML has no booleans: write \"yes\", \"no\", or {} for an empty element" : "");
  if (lua_type(L, index) == LUA_TNUMBER && !lua_isinteger(L, index)) {
    lua_Integer whole;
    if (lua_numbertointeger(lua_tonumber(L, index), &whole) && (lua_Number)whole == lua_tonumber(L, index)) {
      lua_pushinteger(L, whole);
      lua_replace(L, index);
    } else { /* XML has no locale */
      luaL_gsub(L, lua_tostring(L, index), (char[]){lua_getlocaledecpoint(), '\0'}, ".");
      lua_replace(L, index);
    }
  }
  size_t length;
  const char *text = luaL_tolstring(L, index, &length);
  lua_replace(L, index);
  if (strlen(text) != length || !xmlCheckUTF8((const xmlChar *)text))
    gl_error_argument(L, "Element", what, "the text is not UTF-8, or has a NUL byte in it");
  for (const char *c = text; *c; c++)
    if ((unsigned char)*c < 0x20 && !strchr("\t\n\r", *c))
      gl_error_argument(L, "Element", what, "XML cannot hold the control character %d", *c);
  if (!gl_xml_is_text(text, length))
    gl_error_argument(L, "Element", what, "the text is not UTF-8, or has a character in it that XML cannot hold");
  return (const xmlChar *)text;
}

/* "<a/>", a="" */
#define WEIGHT_OF_ONE 8

void gl_element_grow(lua_State *L, xmlDocPtr doc, size_t bytes)
{
  size_t size = (size_t)doc->_private + WEIGHT_OF_ONE + bytes;
  doc->_private = (void *)size; /* NOLINT */
  gl_state *s = gl_state_get(L);
  gl_sandbox_check_xml(L, s, size);
  gl_sandbox_charge(L, s, 16 + (long long)bytes / 8, 1); /* one table can occur in others many times over */
}

size_t gl_element_weight(xmlNodePtr node)
{
  size_t weight = WEIGHT_OF_ONE + (size_t)(node->type == XML_ELEMENT_NODE ? 0 : xmlStrlen(node->content));
  if (node->type != XML_ELEMENT_NODE)
    return weight;
  for (xmlAttrPtr a = node->properties; a; a = a->next)
    weight += WEIGHT_OF_ONE + (a->children ? (size_t)xmlStrlen(a->children->content) : 0);
  for (xmlNodePtr child = node->children; child; child = child->next)
    weight += gl_element_weight(child);
  return weight;
}
