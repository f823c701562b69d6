#include "call/credentials.h"

#include <lauxlib.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct credential {
  int type;
  char *prompt, *challenge, *preset;
  char *answer; /* NULL: nobody has been asked yet */
} credential;

struct gl_credentials {
  atomic_int refs;
  credential *list;
  int count;
};

static const char class_name[] = "guestlua.credentials";

/* What can be asked for, in libvirt's words: what virsh answers too, but for what a desktop's own agent knows. */
static const struct {
  int type;
  const char *name;
  bool secret;
} kinds[] = {
  {VIR_CRED_AUTHNAME, "authname", false},      {VIR_CRED_PASSPHRASE, "passphrase", true},       {VIR_CRED_REALM, "realm", false},
  {VIR_CRED_ECHOPROMPT, "echo_prompt", false}, {VIR_CRED_NOECHOPROMPT, "no_echo_prompt", true},
};
#define KINDS (sizeof kinds / sizeof *kinds)

static void wipe(char *text)
{
  if (text)
    explicit_bzero(text, strlen(text));
  free(text);
}

void gl_credentials_unref(gl_credentials *c)
{
  if (!c || atomic_fetch_sub(&c->refs, 1) > 1)
    return;
  for (int i = 0; i < c->count; i++) {
    free(c->list[i].prompt);
    free(c->list[i].challenge);
    free(c->list[i].preset);
    wipe(c->list[i].answer);
  }
  free(c->list);
  free(c);
}

/* ---- libvirt's questions: on the thread that connects ---- */

static bool same(const char *a, const char *b)
{
  return a && b ? strcmp(a, b) == 0 : a == b;
}

static credential *find(gl_credentials *c, virConnectCredentialPtr asked)
{
  for (int i = 0; i < c->count; i++)
    if (c->list[i].type == asked->type && same(c->list[i].prompt, asked->prompt) && same(c->list[i].challenge, asked->challenge))
      return &c->list[i];
  credential *list = realloc(c->list, ((size_t)c->count + 1) * sizeof *list);
  if (!list)
    return NULL;
  c->list = list;
  list[c->count] = (credential){
    .type = asked->type,
    .prompt = asked->prompt ? strdup(asked->prompt) : NULL,
    .challenge = asked->challenge ? strdup(asked->challenge) : NULL,
    .preset = asked->defresult ? strdup(asked->defresult) : NULL,
  };
  return &list[c->count++];
}

/* All that is missing is noted before it fails. */
static int answer_all(virConnectCredentialPtr asked, unsigned count, void *opaque)
{
  int rc = 0;
  for (unsigned i = 0; i < count; i++) {
    const credential *known = find(opaque, &asked[i]);
    asked[i].result = known && known->answer ? strdup(known->answer) : NULL;
    asked[i].resultlen = asked[i].result ? (unsigned)strlen(asked[i].result) : 0;
    rc = asked[i].result ? rc : -1;
  }
  return rc;
}

virConnectPtr gl_credentials_open(gl_credentials *c, const char *uri, unsigned flags)
{
  int types[KINDS];
  for (size_t i = 0; i < KINDS; i++)
    types[i] = kinds[i].type;
  virConnectAuth auth = {.credtype = types, .ncredtype = KINDS, .cb = answer_all, .cbdata = c};
  return virConnectOpenAuth(uri, &auth, flags);
}

/* ---- Lua ---- */

gl_credentials *gl_credentials_at(lua_State *L, int index)
{
  gl_credentials **box = luaL_testudata(L, index, class_name);
  if (!box)
    return NULL;
  atomic_fetch_add(&(*box)->refs, 1);
  return *box;
}

int gl_credentials_push(lua_State *L)
{
  gl_credentials **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  luaL_setmetatable(L, class_name);
  *box = calloc(1, sizeof **box);
  if (!*box)
    return luaL_error(L, "guestlua: out of memory");
  atomic_init(&(*box)->refs, 1);
  return 1;
}

static gl_credentials *check(lua_State *L)
{
  return *(gl_credentials **)luaL_checkudata(L, 1, class_name);
}

static void set_text(lua_State *L, const char *key, const char *value)
{
  lua_pushstring(L, value);
  lua_setfield(L, -2, key);
}

/* credentials:asked(): a list of what has no answer yet, with the number that answer() wants. */
static int asked(lua_State *L)
{
  const gl_credentials *c = check(L);
  lua_newtable(L);
  for (int i = 0; i < c->count; i++) {
    const credential *one = &c->list[i];
    if (one->answer)
      continue;
    lua_createtable(L, 0, 6);
    for (size_t k = 0; k < KINDS; k++)
      if (kinds[k].type == one->type) {
        set_text(L, "type", kinds[k].name);
        lua_pushboolean(L, kinds[k].secret);
        lua_setfield(L, -2, "secret");
      }
    set_text(L, "prompt", one->prompt);
    set_text(L, "challenge", one->challenge);
    set_text(L, "default", one->preset);
    lua_pushinteger(L, i + 1);
    lua_setfield(L, -2, "number");
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  }
  return 1;
}

static int answer(lua_State *L)
{
  gl_credentials *c = check(L);
  lua_Integer number = luaL_checkinteger(L, 2);
  luaL_argcheck(L, number >= 1 && number <= c->count && !c->list[number - 1].answer, 2, "nothing of that number was asked");
  c->list[number - 1].answer = strdup(luaL_checkstring(L, 3));
  return 0;
}

void gl_credentials_push_answers(lua_State *L, const gl_credentials *c)
{
  lua_newtable(L);
  for (int i = 0; c && i < c->count; i++) {
    const credential *one = &c->list[i];
    if (!one->answer)
      continue;
    lua_createtable(L, 0, 4);
    for (size_t k = 0; k < KINDS; k++)
      if (kinds[k].type == one->type)
        set_text(L, "type", kinds[k].name);
    set_text(L, "prompt", one->prompt);
    set_text(L, "challenge", one->challenge);
    set_text(L, "answer", one->answer);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  }
}

static int collect(lua_State *L)
{
  gl_credentials **box = luaL_checkudata(L, 1, class_name);
  gl_credentials_unref(*box);
  *box = NULL;
  return 0;
}

void gl_credentials_open_class(lua_State *L)
{
  static const luaL_Reg methods[] = {{"asked", asked}, {"answer", answer}, {"__gc", collect}, {NULL, NULL}};
  luaL_newmetatable(L, class_name);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
