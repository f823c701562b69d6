-- make demo: boots the tiny guest and runs the example on it, in the process that libvirt's embedded driver runs in.

package.path = "./?.lua;" .. package.path

print("booting a small guest on libvirt's embedded QEMU driver: no daemon, no KVM")
local machine <close> = require("spec.support.tiny").boot()
guestlua.default_uri = machine.host.uri
assert(loadfile("examples/snapshot_then_commit.lua"))(machine.guest.name)
