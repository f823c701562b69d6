-- make shell: the prompt on a tiny guest that is booted for it, in the process that libvirt's embedded driver runs in.

package.path = "./?.lua;" .. package.path

print("booting a small guest on libvirt's embedded QEMU driver: no daemon, no KVM")
local machine <close> = require("spec.support.tiny").boot()
guestlua.default_uri = machine.host.uri
host, guest = machine.host, machine.guest -- luacheck: ignore 111
print("host and guest are there; doc/tutorial.md is the first hour")
require("guestlua.prompt.repl")({})
