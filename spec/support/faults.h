/* What the files of build/faults.so share: see faults.c. */
#ifndef FAULTS_H
#define FAULTS_H

#include <libvirt/libvirt.h>
#include <stdatomic.h>
#include <stdbool.h>

#define FAULTS_EVENT "event:"

typedef struct faults_call {
  const char *name;
  unsigned index, times; /* of all, of this function; index 0: an event, or a call that does not count */
  bool counts;
  int failed; /* the code of the error that it failed with; 0: it did not */
} faults_call;

/* A call comes: counts it, writes it down, and does what is to happen before it. Where it says failed the call is not made. */
faults_call faults_begin(const char *name, atomic_uint *times, const void *caller, const char *object, const char *device);

/* The call was made. Whether its answer is lost; what it brought is then to be freed, as nobody else can. */
bool faults_is_lost(faults_call *c);

/* Makes the error that the call failed with libvirt's last one of this thread. */
void faults_set_error(const faults_call *c);

/* name: with FAULTS_EVENT before it. */
bool faults_is_delivered(const char *name, atomic_uint *times, virDomainPtr dom, const char *device);
bool faults_is_event(const char *name);

const char *faults_guest_of(virDomainPtr dom);

/* libvirt's own function of this name. */
void *faults_real(const char *name);

#endif
