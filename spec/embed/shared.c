/* One virConnectPtr, handed over to several states, each on a thread of its own: each hears of the events, whoever else does. */
#include <pthread.h>

#include "check.h"

enum { THREADS = 4, ROUNDS = 20 };

static virConnectPtr conn;
static pthread_barrier_t barrier;

/* Waits for all threads: the script's own threads go in step. */
static int in_step(lua_State *L)
{
  (void)L;
  pthread_barrier_wait(&barrier);
  return 0;
}

static int push(lua_State *L)
{
  guestlua_push_connect(L, conn);
  return 1;
}

static lua_State *state_with_host(int number)
{
  lua_State *L = new_state(NULL);
  lua_pushinteger(L, number);
  lua_setglobal(L, "number");
  lua_register(L, "in_step", in_step);
  lua_pushcfunction(L, push);
  CHECK(lua_pcall(L, 0, 1, 0) == LUA_OK);
  lua_setglobal(L, "host");
  return L;
}

/* Two subscriptions each, and the thread number 0 changes the guest. Then all end and begin at once. */
static void *thread_main(void *data)
{
  lua_State *L = state_with_host(*(int *)data);
  run(L, "local guest = host:guest('test')\n"
         "local events <close> = guest:subscribe('lifecycle')\n"
         "local of_all <close> = host:subscribe({'lifecycle', 'reboot', 'disconnected'})\n"
         "in_step()\n"
         "if number == 0 then guest:pause() guest:resume() end\n"
         "for _, type in ipairs({ 'suspended', 'resumed' }) do\n"
         "  assert(events:next(60).type == type)\n"
         "  assert(of_all:next(60).type == type)\n"
         "end\n"
         "in_step()\n"
         "assert(events:next(0) == nil and of_all:next(0) == nil)\n");
  guestlua_free(L);
  for (int i = 0; i < ROUNDS; i++) { /* the last one that leaves and the first that comes */
    L = state_with_host(0);
    run(L, "local events <close> = host:guest('test'):subscribe({ 'lifecycle', 'rtc_change' })");
    guestlua_free(L);
  }
  return NULL;
}

static int callback(virConnectPtr c, virDomainPtr dom, int event, int detail, void *opaque)
{
  (void)c, (void)dom, (void)event, (void)detail, (void)opaque;
  return 0;
}

/* What ends in one state goes on in the other. */
static void alone_again(void)
{
  lua_State *a = state_with_host(0), *b = state_with_host(0);
  run(a, "events = host:subscribe('lifecycle')");
  run(b, "events = host:subscribe('lifecycle')");
  guestlua_free(a);
  run(b, "local guest = host:guest('test') guest:pause() guest:resume()\n"
         "assert(events:next(60).type == 'suspended' and events:next(60).type == 'resumed')");
  guestlua_free(b);
}

int main(void)
{
  pthread_t threads[THREADS];
  int numbers[THREADS];
  lua_State *first = new_state(NULL); /* before the connection: it starts libvirt's event loop */
  conn = virConnectOpen(URI);
  CHECK(conn);
  /* One of the program's own is none of our business. */
  int id = virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(callback), NULL, NULL);
  CHECK(id >= 0);
  pthread_barrier_init(&barrier, NULL, THREADS);
  for (int i = 0; i < THREADS; i++) {
    numbers[i] = i;
    CHECK(pthread_create(&threads[i], NULL, thread_main, &numbers[i]) == 0);
  }
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  pthread_barrier_destroy(&barrier);
  alone_again();
  CHECK(virConnectDomainEventDeregisterAny(conn, id) == 0);
  guestlua_free(first);
  CHECK(virConnectClose(conn) == 0); /* nobody holds it any more */
  guestlua_end();
  return 0;
}
