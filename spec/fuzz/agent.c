/* libFuzzer: any bytes as answers of a guest's agent. In the place of libvirt's two calls that ask it are the ones here. */
#include <dlfcn.h>
#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>
#include <string.h>

#include "harness.h"

enum { MOST = 16 };

static char *answers[MOST]; /* NULL: the agent's error */
static int count, next;
static char error_text[64];

static virTypedParameterPtr params;
static int params_count;

/* libvirt has no public function for that; the private one is there for its drivers. */
static void set_error(void)
{
  int (*set)(virErrorPtr) = (int (*)(virErrorPtr))dlsym(RTLD_DEFAULT, "virSetError");
  virError error = {.code = VIR_ERR_AGENT_UNRESPONSIVE, .domain = VIR_FROM_QEMU, .level = VIR_ERR_ERROR, .message = error_text};
  if (set)
    set(&error);
}

char *virDomainQemuAgentCommand(virDomainPtr domain, const char *command, int timeout, unsigned flags)
{
  (void)domain;
  (void)command;
  (void)timeout;
  (void)flags;
  char *text = next < count ? answers[next] : NULL;
  next++;
  if (!text)
    set_error();
  return text ? strdup(text) : NULL;
}

int virDomainGetGuestInfo(virDomainPtr domain, unsigned types, virTypedParameterPtr *result, int *result_count, unsigned flags)
{
  (void)domain;
  (void)types;
  (void)flags;
  *result = params;
  *result_count = params_count;
  params = NULL;
  params_count = 0;
  return 0;
}

/* answer(list of texts, text of errors): what the agent says from now on; false, and the end of the list, are errors. */
static int answer(lua_State *L)
{
  for (int i = 0; i < count; i++)
    free(answers[i]);
  next = 0;
  count = (int)lua_rawlen(L, 1);
  snprintf(error_text, sizeof error_text, "%s", luaL_checkstring(L, 2));
  for (int i = 0; i < count; i++) {
    lua_rawgeti(L, 1, i + 1);
    answers[i] = lua_toboolean(L, -1) ? strdup(luaL_checkstring(L, -1)) : NULL;
    lua_pop(L, 1);
  }
  return 0;
}

/* report(list of { name, value }): the next answer of virDomainGetGuestInfo. */
static int report(lua_State *L)
{
  int room = 0;
  virTypedParamsFree(params, params_count);
  params = NULL;
  params_count = 0;
  for (lua_Integer i = 1; lua_rawgeti(L, 1, i) == LUA_TTABLE; i++) {
    lua_rawgeti(L, -1, 1);
    lua_rawgeti(L, -2, 2);
    const char *name = luaL_checkstring(L, -2);
    if (lua_isboolean(L, -1))
      virTypedParamsAddBoolean(&params, &params_count, &room, name, lua_toboolean(L, -1));
    else if (lua_isinteger(L, -1))
      virTypedParamsAddULLong(&params, &params_count, &room, name, (unsigned long long)lua_tointeger(L, -1));
    else if (lua_type(L, -1) == LUA_TNUMBER)
      virTypedParamsAddDouble(&params, &params_count, &room, name, lua_tonumber(L, -1));
    else
      virTypedParamsAddString(&params, &params_count, &room, name, luaL_checkstring(L, -1));
    lua_pop(L, 3);
  }
  return 0;
}

static const luaL_Reg natives[] = {{"answer", answer}, {"report", report}, {NULL, NULL}};
HARNESS("agent", natives)
