/*
 * The floor that get_disk, get_all_devices and get_config are compared with: devices DOMAIN.XML... defines and starts the domains on
 * test:///default, prints "ready", and then for each line "CALL DOMAIN CALLS" of standard input how many ns a call took. Whatever CALL is,
 * it is virDomainGetXMLDesc and one parse. devices.lua and devices.py answer the same lines.
 */
#include <libvirt/libvirt.h>
#include <libxml/parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_DOMAINS = 8 };

static void fail(const char *what)
{
  fprintf(stderr, "devices: %s\n", what);
  exit(1);
}

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static virDomainPtr define(virConnectPtr conn, const char *path)
{
  static char xml[4 << 20];
  FILE *file = fopen(path, "r");
  if (!file)
    fail(path);
  xml[fread(xml, 1, sizeof xml - 1, file)] = '\0';
  fclose(file);
  virDomainPtr dom = virDomainDefineXML(conn, xml);
  if (!dom || virDomainCreate(dom) < 0)
    fail(path);
  return dom;
}

static void call(virDomainPtr dom)
{
  char *text = virDomainGetXMLDesc(dom, 0);
  xmlDocPtr doc = text ? xmlReadMemory(text, (int)strlen(text), NULL, NULL, XML_PARSE_NONET) : NULL;
  if (!doc || !xmlDocGetRootElement(doc))
    fail("no XML");
  free(text);
  xmlFreeDoc(doc);
}

int main(int argc, char **argv)
{
  virDomainPtr domains[MAX_DOMAINS];
  virConnectPtr conn = virConnectOpen("test:///default");
  if (!conn || argc > MAX_DOMAINS)
    fail("no connection");
  for (int i = 1; i < argc; i++)
    domains[i - 1] = define(conn, argv[i]);
  puts("ready");
  fflush(stdout);
  int domain;
  long calls;
  while (scanf("%*s %d %ld", &domain, &calls) == 2 && domain >= 1 && domain < argc) {
    double start = now();
    for (long i = 0; i < calls; i++)
      call(domains[domain - 1]);
    printf("%.0f\n", (now() - start) / (double)calls);
    fflush(stdout);
  }
  for (int i = 1; i < argc; i++)
    virDomainFree(domains[i - 1]);
  virConnectClose(conn);
  return 0;
}
