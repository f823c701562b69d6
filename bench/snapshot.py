# Nova's side of bench/snapshot: snapshot.py URI GUEST DISK PATH GUESTLUA serves as snapshot.lua does. GUESTLUA writes the data.
# Nova commits no topmost image, so the call that starts that is libvirt's. The rest, a look at the job every half second and then the pivot, is as in
# Nova's driver, which swaps volumes that way.
import os
import subprocess
import sys
import time

import libvirt
from nova.virt.libvirt import config
from nova.virt.libvirt.guest import Guest

uri, name, target, path, guestlua = sys.argv[1:]
conn = libvirt.open(uri)
guest = Guest(conn.lookupByName(name))


def write(mib):
    start = time.monotonic_ns()
    if mib != "0":
        subprocess.run([guestlua, "bench/snapshot.lua", uri, name, target, "write", mib], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic_ns() - start


def snapshot(base, overlay):
    conf = config.LibvirtConfigGuestSnapshot()
    for disk in guest.get_all_disks():
        snap = config.LibvirtConfigGuestSnapshotDisk()
        if disk.target_dev == target:
            snap.name = base
            snap.source_path = overlay
            snap.source_type = "file"
            snap.snapshot = "external"
            snap.driver_name = "qcow2"
        else:
            snap.name = disk.target_dev
            snap.snapshot = "no"
        conf.add_disk(snap)
    guest.snapshot(conf, no_metadata=True, disk_only=True)


def commit():
    device = guest.get_block_device(target)
    flags = libvirt.VIR_DOMAIN_BLOCK_COMMIT_ACTIVE | libvirt.VIR_DOMAIN_BLOCK_COMMIT_SHALLOW
    guest._domain.blockCommit(target, None, None, 0, flags)
    while not device.is_job_complete():
        time.sleep(0.5)
    device.abort_job(pivot=True)


def once(mib):
    start = time.monotonic_ns()
    base = guest.get_disk(target).source_path
    overlay = base.replace(".qcow2", ".nova")
    snapshot(base, overlay)
    writing = write(mib)
    commit()
    os.unlink(overlay)
    return "%d %d" % (writing, time.monotonic_ns() - start - writing)


while True:
    with open(path + ".in") as file:
        mib = file.readline().strip()
    if not mib:
        break
    with open(path + ".out", "w") as file:
        print(once(mib), file=file)
