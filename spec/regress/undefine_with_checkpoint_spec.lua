-- Seen: backup tools leave checkpoints on a guest, libvirt refuses to undefine one that is off and has some, and delete_configuration had no option
-- for it: such a guest could not be deleted.

local faults = require("spec.support.faults")
local helper = require("spec.support.helper")

describe("A guest with checkpoints", function()
  local machine, why
  lazy_setup(function()
    machine, why = faults.daemon()
  end)
  lazy_teardown(function()
    if machine then
      getmetatable(machine).__close(machine)
    end
  end)

  it("is undefined where checkpoints_metadata says so", function()
    if not machine then
      return pending(why)
    end
    local code, _, err = helper.run(("virsh -q -c '%s' checkpoint-create-as %s one"):format(machine.uri, machine.name))
    assert.equal(0, code, err)
    machine.guest:poweroff()
    local e = helper.failure(machine.guest.delete_configuration, machine.guest, { snapshots_metadata = true })
    assert.equal("operation_invalid", e.kind)
    machine.guest:delete_configuration({ checkpoints_metadata = true })
    assert.is_nil(machine.host:guest(machine.name))
  end)
end)
