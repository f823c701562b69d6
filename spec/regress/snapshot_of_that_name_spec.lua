-- Snapshots were known by their names alone. Somebody deleted one, and took another one of that name: a snapshot_delete that looked at the first
-- deleted the second, and its undo, or a recovery, gave the second the description of the first. One that somebody had deleted came back.

local faults = require("spec.support.faults")
local foreign = require("spec.support.foreign")
local guestlua = require("guestlua")

local CHILD = [[
  require("guestlua.core").watchdog = error
  guestlua.journal({ dir = os.getenv("JOURNAL") })
  guestlua.workflow.snapshot_delete(guestlua.open():guest("tiny"), { name = "ours" })
]]

describe("A snapshot that somebody has taken under the name of another", function()
  local machine, it_ = faults.machine({ journal = "journal" })
  local others = foreign.new(machine)

  local function virsh(command)
    local code, said = others:act("virsh " .. command)
    assert.equal(0, code, said)
    return said
  end

  -- Two that are external, one after the other.
  local function prepare()
    machine:reset()
    others.number, others.whole = others.number + 1, false
    for _, name in ipairs({ "ours", "after" }) do
      virsh(("snapshot-create-as tiny %s --disk-only --diskspec vda,snapshot=external,file=$D/%s-$N"):format(name, name))
    end
  end

  local function is_theirs(name)
    assert.matches("<memory snapshot='internal'/>", virsh("snapshot-dumpxml tiny " .. name), 1, true)
    assert.matches(name, virsh("snapshot-list tiny --internal --name"))
  end

  local function delete(act)
    return others:during("write_file:after#1", act, function()
      return guestlua.workflow.snapshot_delete(machine.guest, { name = "ours" })
    end)
  end

  it_("is not deleted in its place", function()
    prepare()
    local how = delete("virsh snapshot-delete tiny ours --metadata && virsh snapshot-create-as tiny ours")
    assert.same({ 0, "conflict" }, { how.code, how.error and how.error.kind }, tostring(how.said) .. tostring(how.error))
    assert.matches("its snapshot 'ours' is another one by now", how.error.message)
    assert.matches("somebody else has deleted 'ours'", how.error.outcome)
    is_theirs("ours")
  end)

  it_("keeps its description when a killed run is recovered", function()
    prepare()
    local code, _, err = faults.run(CHILD, { uri = machine.uri, fault = "virDomainSnapshotDelete#1:kill:after",
      env = { JOURNAL = machine.root .. "/journal" } })
    assert.equal(128 + 9, code, err)
    virsh("snapshot-delete tiny after --metadata")
    virsh("snapshot-create-as tiny after")
    assert.equal("undone: the snapshots are as they were", guestlua.recover(machine.host)[1].outcome)
    assert.same({}, guestlua.recover(machine.host))
    is_theirs("after")
    assert.matches("ours", virsh("snapshot-list tiny --external --name"))
  end)

  it_("or has deleted, does not come back", function()
    prepare()
    local how = delete("virsh snapshot-delete tiny ours --metadata")
    assert.same({ 0, "conflict" }, { how.code, how.error and how.error.kind }, tostring(how.said) .. tostring(how.error))
    assert.matches("somebody else has deleted 'ours'", how.error.outcome)
    assert.same({ "after" }, machine.guest:get_snapshot_names())
  end)
end)
