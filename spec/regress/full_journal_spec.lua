-- The journal's file system was full, as by a backup, when a process was killed that had frozen a guest. A recovery could not write into its lock
-- by whom it was held, and failed; the next one took its lock for another's. The guest stayed frozen. The same if it was read-only by then, as after
-- an I/O error: no lock could be made there.

local core = require("guestlua.core")
local faults = require("spec.support.faults")
local foreign = require("spec.support.foreign")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local CHILD = [[
  guestlua.journal({ dir = ... })
  local host <close> = guestlua.open()
  local frozen <close> = host:guest("tiny"):frozen()
  guestlua.sleep(600)
]]

describe("A guest that was frozen by a process that is killed", function()
  local machine, it_ = faults.machine({ journal = "journal" })
  local others = foreign.new(machine)

  -- Freezes it from a process whose journal is on a file system of its own, and kills that when `fault` is done.
  local function after(fault, check)
    if core.user() ~= 0 then
      return pending("only root can mount a file system")
    end
    machine:reset()
    local journal = machine.root .. "/journal"
    helper.sh("mkdir -p %s && mount -t tmpfs -o size=16k,mode=700 tmpfs %s", journal, journal)
    local mounted <close> = setmetatable({}, { __close = function() os.execute(("umount -lR %s"):format(journal)) end }) -- luacheck: ignore mounted
    local child <close> = faults.start(CHILD, { uri = machine.uri, args = { journal } })
    helper.await(function() return others:state_of_freeze() == "frozen" end, "a freeze")
    fault(journal)
    child:kill("KILL")
    helper.await(function() return others:state_of_freeze() == "thawed" end, "a thaw")
    child:wait()
    check(journal)
    helper.await(function() return #guestlua.recover(machine.host) == 0 end, "the end of the recovery")
  end

  it_("is thawed although the journal is full", function()
    return after(function(journal)
      helper.run(("dd if=/dev/zero of=%s/theirs bs=1k count=100"):format(journal))
    end, function() end)
  end)

  it_("is thawed although the journal is read-only, and the entry is named that stays", function()
    return after(function(journal)
      helper.sh("mount --bind %s %s && mount -o remount,bind,ro %s", journal, journal, journal) -- over the files that are open
    end, function(journal)
      local e
      helper.await(function() -- the recovery of the watchdog has the guest for a while yet
        local recovered, why = pcall(guestlua.recover, machine.host)
        e = why
        return not recovered
      end, "the error of a recovery")
      assert.matches("%.json': Read%-only file system", e.message)
      assert.matches("its entry %S+ stays in the journal$", e.outcome)
      helper.sh("umount %s", journal)
    end)
  end)
end)

-- A merge was not begun since the journal could not be written, and its undo ended for the same reason: the guest stayed on its overlay.
describe("A workflow whose journal is removed", function()
  local machine = helper.machine()
  helper.leaves_nothing()

  it("takes back what it has done", function()
    local was, directory = guestlua.journal(), helper.scratch()
    guestlua.journal({ dir = directory })
    local back <close> = setmetatable({}, { __close = function() guestlua.journal({ dir = was }) end })
    local e = helper.failure(guestlua.workflow.snapshot_then_commit, machine.guest, { during = function()
      helper.sh("rm -r %s", directory)
    end })
    assert.same({ "commit", "undone: the disks have the images they had, with all that the guest wrote" }, { e.step, e.outcome })
    assert.same({ machine.disk }, machine:chain())
  end)
end)
