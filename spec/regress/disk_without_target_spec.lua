-- detach_device("<disk type='file'><source file='/data.qcow2'/></disk>"), of a script that knew a disk by its image, ended the daemon: libvirt's QEMU
-- driver (9.0) compares the target that is not there, and dies of SIGSEGV. Every connection to the host was lost, and with the embedded driver the
-- script died of it.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

describe("A disk without a target", function()
  local machine = helper.machine()
  helper.leaves_nothing()

  it("is not asked to be detached", function()
    local guest, domain = machine.guest, machine.guest.domain
    for _, xml in ipairs({
      "<disk/>", "<disk type='file' device='disk'><source file='/nonesuch'/></disk>", "<disk><target bus='virtio'/></disk>",
      "<disk><target bus='virtio'/><target dev='vda'/></disk>", "<!-- a --><disk><source><target dev='vda'/></source></disk>",
      "<disk><alias name='ua-x'/></disk>",
    }) do
      for _, options in ipairs({ { live = true }, { persistent = true }, {} }) do
        local e = helper.failure(guest.detach_device, guest, xml, options)
        assert.same({ "bad_argument", "conf" }, { e.kind, e.argument }, tostring(e))
        assert.matches("a <disk> without a <target dev>", e.message, 1, true)
      end
      assert.equal("bad_argument", helper.failure(guest.detach_device, guest, guestlua.element(xml)).kind)
      assert.equal("bad_argument", helper.failure(domain.detach_device, domain, xml, { live = true }).kind)
    end
    local missing = "<disk><target dev='vdz' bus='virtio'/></disk>"
    assert.equal("device_not_found", helper.failure(guest.detach_device, guest, missing, { live = true }).kind)
    assert.equal("running", guest:get_info().domain_state)
  end)
end)
