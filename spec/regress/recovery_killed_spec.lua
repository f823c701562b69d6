-- A recovery that merged an overlay was killed, too. It had not noted that the merge was its own: the next one took that for somebody else's job, and
-- so did all that followed; or the overlay, the data of which had been merged, was left, as if somebody else had moved the guest away from it.

local faults = require("spec.support.faults")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local recover = require("guestlua.workflow.recover")

local UNDONE, DELETED = "^undone: the disks have the images they had, with all that the guest wrote$", "^finished: the snapshots are deleted$"

-- The workflow, the call of libvirt's at which it is killed, what a recovery says, and the number of its call that moves the guest: before that, it
-- ends the merge that it finds.
local RUNS = {
  { "snapshot_then_commit(guest)", "virDomainSnapshotCreateXML#1:kill:after", UNDONE, 1 },
  { "snapshot_delete(guest, { name = 's' })", "virDomainBlockCommit#1:kill:after", DELETED, 2 },
}

describe("A recovery that is killed", function()
  local machine, it_ = faults.machine({ journal = "journal", each = function(machine)
    machine:reset()
  end })

  local function killed(script, fault)
    local code, _, err = faults.run(("guestlua.journal{dir=%q} local host <close> = guestlua.open() %s"):format(guestlua.journal(), script),
      { uri = machine.uri, fault = fault })
    assert.equal(128 + 9, code, err)
  end

  for _, run in ipairs(RUNS) do
    local call, where, outcome, moves = table.unpack(run)
    local move = "virDomainBlockJobAbort#" .. moves
    for _, fault in ipairs({ "virDomainBlockCommit#1:kill:after", move .. ":kill", move .. ":kill:after" }) do
      it_(("after %s, at %s, is gone on with"):format(call:match("[%w_]+"), fault), function()
        if outcome == DELETED then
          machine.guest:snapshot_create_as("s", { disk_only = true, disks = { vda = machine.dir .. "/s" } })
        end
        machine:sh("echo new >/data/new; sync")
        killed(("local guest = host:guest('tiny') guestlua.workflow.%s"):format(call), where)
        killed("guestlua.recover(host)", fault)
        local results = guestlua.recover(machine.host)
        assert.equal(1, #results)
        assert.matches(outcome, results[1].outcome)
        assert.is_nil(results[1].left)
        assert.same({ machine.disk }, machine:chain())
        assert.equal("new", machine:sh("echo 3 >/proc/sys/vm/drop_caches; cat /data/new"))
        assert.same({}, recover.list())
        assert.same("", helper.sh("ls %s | grep -v 'console\\|disk.qcow2' || true", machine.dir))
      end)
    end
  end
end)
