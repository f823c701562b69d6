-- An image below others was known by its path alone. Somebody put another image in its place: a merge wrote what the guest had into that one, since
-- QEMU opens the image anew to write to it; and a revert put the guest on top of it. Each said that all was well. So did a revert of a guest that was
-- off while somebody merged into the image with the snapshot's content, by qemu-img or by a workflow with another journal.

local faults = require("spec.support.faults")
local foreign = require("spec.support.foreign")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local workflow = guestlua.workflow
local sh = helper.sh

-- The image that a disk had, $B, gets another file in its place.
local REPLACE = "mv %s %s.former && cp build/tiny/disk.qcow2 %s && chmod 666 %s"

describe("A file in the place of an image below others", function()
  local machine, it_ = faults.machine({ journal = "journal" })
  local others = foreign.new(machine)

  local function base()
    return machine.disk
  end

  local function replace()
    local code, said = others:act(REPLACE:format(base(), base(), base(), base()))
    assert.equal(0, code, said)
  end

  local function is_conflict(how)
    assert.equal(0, how.code, how.said)
    assert.equal("conflict", how.error and how.error.kind, tostring(how.error))
    assert.matches(base() .. " is another file by now", tostring(how.error) .. tostring(how.error.outcome), 1, true)
    sh("cmp build/tiny/disk.qcow2 %s", base())
  end

  it_("ends a snapshot_then_commit, and what the guest has written stays in the overlay", function()
    machine:reset()
    local how = others:during("during", replace, function(at)
      return workflow.snapshot_then_commit(machine.guest, { during = function()
        machine:sh("echo new >/data/new; sync")
        at()
      end })
    end)
    is_conflict(how)
    local images = machine:chain()
    assert.equal(2, #images)
    sh("test -s %s", images[1])
    assert.matches(images[1], tostring(how.error), 1, true)
    sh("mv %s.former %s", base(), base()) -- then it can be taken back
    assert.matches("^undone", guestlua.recover(machine.host)[1].outcome)
    assert.same({ base() }, machine:chain())
    assert.equal("new", machine:sh("cat /data/new"))
  end)

  local function take(off)
    machine:reset()
    machine.guest:snapshot_create_as("ours", { disk_only = true, disks = { vda = machine.dir .. "/ours" } })
    machine:sh("echo new >/data/new; sync")
    if off then
      machine.guest:poweroff()
    end
  end

  for _, off in ipairs({ false, true }) do
    it_(("ends a snapshot_delete of a guest that %s"):format(off and "is off" or "runs"), function()
      take(off)
      is_conflict(others:during("write_file:after#1", replace, function()
        return workflow.snapshot_delete(machine.guest, { name = "ours" })
      end))
      assert.same({ "ours" }, machine.guest:get_snapshot_names())
    end)
  end

  it_("ends a volume_snapshot_delete", function()
    take()
    machine.guest:snapshot_create_as("above", { disk_only = true, disks = { vda = machine.dir .. "/above" } })
    for _, name in ipairs({ "above", "ours" }) do -- the content of one is in the image
      machine.guest:snapshot_lookup_by_name(name):delete({ metadata_only = true })
    end
    is_conflict(others:during("write_file:after#1", replace, function()
      return workflow.volume_snapshot_delete(machine.guest, "vda", { file_to_merge = machine.dir .. "/ours", merge_target_file = base() })
    end))
    assert.equal(3, #machine:chain())
  end)

  it_("ends a swap_volume to a volume that was there", function()
    machine:reset()
    sh("cp build/tiny/disk.qcow2 %s/volume && chmod 666 %s/volume", machine.dir, machine.dir)
    local was = machine:chain()
    local how = others:during("copy:after", "mv $D/volume $D/former && cp build/tiny/disk.qcow2 $D/volume", function()
      return workflow.swap_volume(machine.guest, "vda",
        ("<disk type='file'><driver type='qcow2'/><source file='%s/volume'/></disk>"):format(machine.dir), { reuse_ext = true })
    end)
    assert.same({ 0, "conflict" }, { how.code, how.error and how.error.kind }, tostring(how.said) .. tostring(how.error))
    assert.same(was, machine:chain())
    sh("cmp build/tiny/disk.qcow2 %s/volume", machine.dir)
  end)

  it_("ends a snapshot_revert", function()
    take(true)
    is_conflict(others:during("make_image:after", replace, function()
      return workflow.snapshot_revert(machine.guest, { name = "ours", force = true })
    end))
    assert.equal(machine.dir .. "/ours", machine.guest:get_disk("vda").source.file)
  end)

  it_("ends a snapshot_revert, as one does that is written to", function()
    take(true)
    local how = others:during("make_image:after", "qemu-img commit -q -d $D/ours", function()
      return workflow.snapshot_revert(machine.guest, { name = "ours", start = false })
    end)
    assert.same({ 0, "conflict" }, { how.code, how.error and how.error.kind }, tostring(how.said) .. tostring(how.error))
    assert.matches("has lost the content of snapshot 'ours': it was written to", how.error.message)
    assert.matches("^undone: the guest has the disks that it had", how.error.outcome)
    assert.equal(machine.dir .. "/ours", machine.guest:get_disk("vda").source.file)
  end)
end)
