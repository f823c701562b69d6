-- A description that says nothing of a device fits any: ensure_detached(guest, "<disk/>"), of a script that had forgotten the target, took the
-- guest's only disk away, and ensure_attached said that the guest had it already. A <channel> without its target took the agent's.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local workflow = guestlua.workflow

describe("A description of any device", function()
  local machine = helper.machine()
  helper.leaves_nothing()

  local CALLS = { "ensure_detached", "detach_with_retry", "ensure_attached", "attach_with_retry" }

  it("is refused, and the guest keeps what it has", function()
    local was = machine.guest:get_xml_desc()
    for _, xml in ipairs({ "<disk/>", "<disk type='file' device='disk'><driver name='qemu'/></disk>", "<serial/>", "<rng/>", "<interface/>",
      "<channel type='unix'/>", "<channel type='unix'><source mode='bind'/></channel>", "<filesystem type='mount'/>",
      "<lease><lockspace>s</lockspace></lease>", "<shmem><model type='ivshmem-plain'/></shmem>", "<hostdev mode='subsystem' type='usb'/>" }) do
      for _, name in ipairs(CALLS) do
        local e = helper.failure(workflow[name], machine.guest, xml)
        assert.same({ "bad_argument", "device", name }, { e.kind, e.argument, e.op }, tostring(e))
      end
      assert.equal("bad_argument", helper.failure(machine.guest.attached, machine.guest, guestlua.element(xml)).kind)
    end
    assert.equal(was, machine.guest:get_xml_desc())
  end)

  it("that says which one finds it", function()
    local disk = machine.guest:get_disk("vda")
    for _, xml in ipairs({ "<disk><target dev='vda'/></disk>", ("<disk><source file='%s'/></disk>"):format(machine.disk),
      ("<disk><alias name='%s'/></disk>"):format(disk.alias.name), ("<disk>%s</disk>"):format(tostring(disk.address)), tostring(disk),
      "<channel type='unix'><target name='org.qemu.guest_agent.0'/></channel>", tostring(machine.guest:get_all_devices("channel")[1]) }) do
      assert.is_false(workflow.ensure_attached(machine.guest, xml).changed, xml)
    end
  end)
end)
