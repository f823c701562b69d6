-- Two runs on one guest were killed, one after the other. Their recovery began with the first: its overlay was below the second's, so that it was set
-- aside, and recover failed until it was called again. Both runs may be of one second.

local faults = require("spec.support.faults")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

describe("Recovery takes back", function()
  local machine, it_ = faults.machine()

  it_("the newest run first", function()
    local journal = machine.root .. "/journal"
    guestlua.journal({ dir = journal })
    for i = 1, 3 do
      local child <close> = faults.start(("guestlua.journal{dir=%q} guestlua.workflow.snapshot_then_commit(guestlua.open():guest('tiny'), "
        .. "{during=function() io.open(%q, 'w'):close() guestlua.sleep(1000) end})"):format(journal, machine.dir .. "/during" .. i),
        { uri = machine.uri })
      helper.await(function() return io.open(machine.dir .. "/during" .. i) end, "a snapshot")
      machine:sh(("echo %d >>/data/written; sync"):format(i))
      child:kill()
      child:wait()
    end
    assert.equal(4, #machine:chain())
    local results = guestlua.recover(machine.host)
    assert.equal(3, #results)
    for _, result in ipairs(results) do
      assert.matches("^undone: the disks have the images they had, with all that the guest wrote$", result.outcome)
    end
    assert.same({ machine.disk }, machine:chain())
    assert.equal("1\n2\n3", machine:sh("cat /data/written"))
  end)
end)
