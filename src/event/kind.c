#include "event/kind.h"

#include "call/push.h"

static void push_number(lua_State *L, const gl_event_field *f, const gl_event_data *data)
{
  const gl_enum *names = f->names;
  if (data->numbers[0] >= 0 && data->numbers[0] < f->count)
    names = f->names_of[data->numbers[0]];
  if (names)
    gl_enum_push(L, names, (int)data->numbers[f->index]);
  else
    lua_pushinteger(L, data->numbers[f->index]);
}

void gl_event_push_fields(lua_State *L, const gl_event_kind *kind, const gl_event_data *data)
{
  for (const gl_event_field *f = kind->fields; f->name; f++) {
    switch (f->part) {
    case GL_EVENT_NUMBER:
      push_number(L, f, data);
      break;
    case GL_EVENT_TEXT:
      lua_pushstring(L, data->texts[f->index]);
      break;
    case GL_EVENT_PARAMS:
      gl_push_params(L, data->params, data->params_count);
      break;
    }
    lua_setfield(L, -2, f->name);
  }
}
