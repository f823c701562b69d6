#include "call/connection.h"

#include <stdlib.h>

gl_connection *gl_connection_new(gl_state *s)
{
  gl_connection *c = calloc(1, sizeof *c);
  if (!c)
    return NULL;
  c->state = s;
  c->refs = 1;
  gl_gate_init(&c->gate);
  pthread_mutex_init(&c->mutex, NULL);
  return c;
}

void gl_connection_free(gl_connection *c)
{
  pthread_mutex_destroy(&c->mutex);
  gl_credentials_unref(c->credentials);
  free(c->uri);
  free(c);
}

virConnectPtr gl_connection_ptr(const gl_connection *c)
{
  return c->handle ? c->handle->ptr : NULL;
}
