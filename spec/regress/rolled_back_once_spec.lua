-- A rollback is killed when the guest has been started again. Its recovery powered the guest off and started it once more, days later: what it had
-- in its memory by then was lost. And a guest with memory that somebody had saved meanwhile went on from that, on the overlay, and was said to
-- be rolled back. And a guest that its operator had paused ran after a rollback.

local faults = require("spec.support.faults")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local CHILD = [[
  guestlua.journal({ dir = os.getenv("JOURNAL") })
  guestlua.workflow.snapshot_then_commit(guestlua.open():guest("tiny"), { on_failure = "rollback", during = function() error("no") end })
]]

describe("A rollback", function()
  local machine, it_ = faults.machine({ journal = "journal", each = function(machine)
    machine:reset()
  end })

  it_("that is killed after it has started the guest again lets it run", function()
    local code, _, err = faults.run(CHILD, { uri = machine.uri, fault = "virDomainCreateWithFlags#1:kill:after",
      env = { JOURNAL = machine.root .. "/journal" } })
    assert.equal(128 + 9, code, err)
    local guest <close> = machine.host:guest("tiny")
    assert.same({ true, { machine.disk } }, { guest:is_active(), machine:chain() })
    local id = guest.id
    assert.equal("rolled back: the guest runs, on the disks that it had", guestlua.recover(machine.host)[1].outcome)
    local now <close> = machine.host:guest("tiny")
    assert.same({ true, id }, { now:is_active(), now.id })
  end)

  it_("that is recovered says which images the guest has, if somebody has given it others", function()
    local code, _, err = faults.run(CHILD, { uri = machine.uri, fault = "virDomainCreateWithFlags#1:kill:after",
      env = { JOURNAL = machine.root .. "/journal" } })
    assert.equal(128 + 9, code, err)
    local guest <close> = machine.host:guest("tiny")
    local theirs = machine.dir .. "/theirs.qcow2"
    guest:snapshot(guestlua.element("domainsnapshot", { disks = { disk = { name = "vda", snapshot = "external", source = { file = theirs } } } }),
      { disk_only = true, no_metadata = true })
    assert.equal(("rolled back: the guest runs; disk vda has the images %s <- %s"):format(theirs, machine.disk),
      guestlua.recover(machine.host)[1].outcome)
  end)

  it_("of a guest with memory that somebody has saved takes nothing from it", function()
    local e = helper.failure(guestlua.workflow.snapshot_then_commit, machine.guest, { on_failure = "rollback", during = function()
      machine:sh("echo theirs >/tmp/word")
      machine.guest.domain:managed_save()
      error("no", 0)
    end })
    assert.matches("its memory was saved", e.outcome, 1, true)
    assert.is_true(machine.guest.domain:has_managed_save_image())
    machine.guest:launch()
    guestlua.await_agent(machine.guest, { timeout = 120 })
    assert.same({ "theirs", 2 }, { machine:sh("cat /tmp/word"), #machine:chain() })
  end)

  for _, when in ipairs({ "before", "meanwhile" }) do
    it_(("of a guest that somebody has paused %s leaves it paused"):format(when), function()
      if when == "before" then
        machine.guest:pause()
      end
      local e = helper.failure(guestlua.workflow.snapshot_then_commit, machine.guest, { on_failure = "rollback", during = function()
        if when == "meanwhile" then
          machine.guest:pause()
        end
        error("no", 0)
      end })
      assert.equal("rolled back: the guest was started again as it was at the snapshot, paused", e.outcome)
      assert.same({ "paused", { machine.disk } }, { machine.guest:get_state(), machine:chain() })
    end)
  end
end)
