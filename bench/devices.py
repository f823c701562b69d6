# Nova's own Guest: see devices.c. What a call gives is used, as in devices.lua.
import re
import sys
import time

import libvirt
from nova.virt.libvirt.guest import Guest

conn = libvirt.open("test:///default")
guests, last_disk, devices = [], [], []
for path in sys.argv[1:]:
    with open(path) as file:
        dom = conn.defineXML(file.read())
    dom.create()
    guests.append(Guest(dom))
    last_disk.append(re.findall(r"<target dev='(vd\w+)'", dom.XMLDesc())[-1])
    devices.append(int(re.search(r"(\d+)\.xml$", path).group(1)))


def get_disk(i):
    return guests[i].get_disk(last_disk[i]).source_path.startswith("/")


def get_all_devices(i):
    return len(guests[i].get_all_devices()) >= devices[i]


def get_config(i):
    return guests[i].get_config().name.startswith("devices")


calls = {"get_disk": get_disk, "get_all_devices": get_all_devices, "get_config": get_config}
print("ready", flush=True)
for line in sys.stdin:
    name, domain, count = line.split()
    call, i, n = calls[name], int(domain) - 1, int(count)
    start = time.process_time_ns()
    for _ in range(n):
        if not call(i):
            sys.exit("devices.py: wrong answer")
    print("%.0f" % ((time.process_time_ns() - start) / n), flush=True)
conn.close()
