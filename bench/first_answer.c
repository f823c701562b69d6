/* The yardstick for the time to the first answer: what bench/first_answer.lua does, in C. */
#include <libvirt/libvirt.h>
#include <stdio.h>

int main(void)
{
  virConnectPtr conn = virConnectOpen("test:///default");
  virDomainPtr dom = conn ? virDomainLookupByName(conn, "test") : NULL;
  if (!dom)
    return 1;
  puts(virDomainIsActive(dom) == 1 ? "true" : "false");
  virDomainFree(dom);
  virConnectClose(conn);
  return 0;
}
