-- A pull was over, QEMU was killed, and the disk was empty. QEMU writes at once that an image has nothing below it any more, but keeps where the data
-- is that it got from there in memory until the guest flushes the disk, which an idle guest never does; and whoever was told that the merge is done
-- may have removed what was below.

local faults = require("spec.support.faults")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local reverted = require("spec.support.reverted")

local workflow = guestlua.workflow

describe("What was pulled up is on the disk", function()
  local machine, it_ = faults.machine({ journal = "journal", each = function(machine)
    machine:reset()
  end })

  -- A word on the disk, in an image below.
  local function prepare()
    reverted.write(machine, "kept")
    machine.guest:snapshot(guestlua.element("domainsnapshot", { disks = { disk = { name = "vda", snapshot = "external",
      source = { file = machine.dir .. "/top" } } } }), { disk_only = true, no_metadata = true })
  end

  local function is_there()
    os.execute("kill -KILL " .. machine:emulator())
    helper.await(function() return not machine.guest:is_active() end, "QEMU's end")
    assert.same({ machine.dir .. "/top" }, machine:chain())
    assert.equal("kept", reverted.word(machine))
  end

  it_("when a volume's images are merged", function()
    prepare()
    workflow.volume_snapshot_delete(machine.guest, "vda", {})
    is_there()
  end)

  it_("when a run that was killed is recovered", function()
    prepare()
    local child <close> = faults.start(([[
      guestlua.journal{dir=%q}
      local core = require("guestlua.core")
      core.BlockDevice.await_job = function(disk)
        while disk:get_job_info() do guestlua.sleep(0.05) end
        os.execute("kill -KILL $PPID")
        guestlua.sleep(60)
      end
      guestlua.workflow.volume_snapshot_delete(guestlua.open():guest("tiny"), "vda", {})
    ]]):format(guestlua.journal()), { uri = machine.uri })
    assert.equal(128 + 9, (child:wait()))
    assert.matches("^finished: the disk's images are ", guestlua.recover(machine.host)[1].outcome)
    is_there()
  end)
end)
