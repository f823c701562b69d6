# What a call costs: loop.py URI CALL CALLS, as loop.c.
import sys
import time

import libvirt


def is_active(dom, calls):
    for _ in range(calls):
        dom.isActive()


def name(dom, calls):
    for _ in range(calls):
        dom.name()


uri, call, calls = sys.argv[1], sys.argv[2], int(sys.argv[3])
conn = libvirt.open(uri)
dom = conn.lookupByName("test")
loop = {"is_active": is_active, "name": name}[call]
best = float("inf")
for _ in range(100):
    start = time.monotonic_ns()
    loop(dom, calls)
    best = min(best, (time.monotonic_ns() - start) / calls)
print("%.1f" % best)
conn.close()
