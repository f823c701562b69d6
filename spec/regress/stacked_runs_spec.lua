-- Two runs on one guest were killed, one after the other. Their recovery began with the first: its overlay was below the second's, so that it was set
-- aside, and recover failed until it was called again. Both runs may be of one second.
--
-- A run was killed, and somebody merged the image that its overlay was on: recover said that something above the overlay needed it, and to merge
-- that, each time anew.

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

  it_("nothing if somebody has merged the image below the overlay, and says how to forget the run", function()
    machine.guest:snapshot_create_as("theirs", { disk_only = true, disks = { vda = machine.dir .. "/theirs" } })
    local child <close> = faults.start(("guestlua.journal{dir=%q} guestlua.workflow.snapshot_then_commit(guestlua.open():guest('tiny'), "
      .. "{during=function() os.execute('kill -KILL $PPID') end})"):format(guestlua.journal()), { uri = machine.uri })
    assert.equal(128 + 9, (child:wait()))
    local overlay = machine:chain()[1]
    guestlua.workflow.snapshot_delete(machine.guest, { name = "theirs" })
    assert.same({ overlay, machine.disk }, machine:chain())
    local e = helper.failure(guestlua.recover, machine.host)
    assert.same({ "conflict", "vda" }, { e.kind, e.device })
    assert.matches(("%s is not on %s/theirs any more"):format(overlay, machine.dir), e.message, 1, true)
    assert.matches("recover --forget", e.hint, 1, true)
    require("guestlua.base.journal").forget(e.results[1].id)
    assert.same({}, guestlua.recover(machine.host))
  end)
end)
