-- A run that had frozen its guest was killed long after the thaw, and recovered while somebody else had the guest frozen for a copy of his own: the
-- recovery thawed that, and his copy was silently of no one moment.

local after_write = require("spec.support.after_write")
local faults = require("spec.support.faults")
local guestlua = require("guestlua")

-- No watchdog recovers it first.
local CHILD = after_write .. [[
  core.watchdog = error
  guestlua.journal({ dir = os.getenv("JOURNAL") })
  local host <close> = guestlua.open()
  local guest, workflow, dir = host:guest("tiny"), guestlua.workflow, ...
  %s
]]

-- Killed after so many writes of its journal, or by a fault, when the file systems are thawed.
local RUNS = {
  { "workflow.snapshot_then_commit(guest, { quiesce = true, during = function() os.execute('kill -KILL $PPID') end })" },
  { "workflow.live_snapshot(guest, 'vda', dir .. '/copy', { quiesce = true })", writes = 4 },
  { [[os.execute(("cd %s && qemu-img create -q -f qcow2 -b disk.qcow2 -F qcow2 new"):format(dir))
    workflow.volume_snapshot_create(guest, "vda", { new_file = "new", quiesce = true })]], writes = 2 },
  { "workflow.backup(guest, { to = dir .. '/backup', quiesce = true })", fault = "virDomainAbortJob#1:kill" },
}

describe("What somebody else has frozen is not thawed by a recovery of", function()
  local machine, it_ = faults.machine({ journal = "journal", each = function(machine)
    machine:reset()
  end })

  for _, run in ipairs(RUNS) do
    it_(run[1]:match("workflow%.([%w_]+)"), function()
      local code, _, err = faults.run(CHILD:format(run[1]), { uri = machine.uri, args = { machine.dir }, fault = run.fault,
        env = { JOURNAL = machine.root .. "/journal", KILL_AFTER_WRITE = run.writes } })
      assert.equal(128 + 9, code, err)
      do
        local theirs <close> = machine.guest:frozen() -- luacheck: ignore theirs
        assert.equal(1, #guestlua.recover(machine.host))
        assert.matches("frozen", machine.guest:agent_command('{"execute":"guest-fsfreeze-status"}'))
      end
      machine:sh("sync")
    end)
  end
end)
