-- A disk that the guest only reads was taken if it was named, and not found again by what came next: an undo left the copy's job running in QEMU and
-- said "undone"; an overlay stayed, and no recovery could settle its entry; snapshot_delete removed libvirt's record of a snapshot, merged nothing,
-- and succeeded; and volume_snapshot_delete did not know the disk at all, and merged into an image that such a disk was on.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local moment = require("spec.support.moment")
local tiny = require("spec.support.tiny")

local workflow = guestlua.workflow

describe("A read-only disk", function()
  local machine = helper.machine({ await = false, edit = function(domain)
    for _, target in ipairs({ "vdb", "vdc" }) do
      tiny.add_disk(domain, target, "qcow2", 64 << 20)
    end
    domain.devices:children("disk")[2]:append(guestlua.element("<readonly/>"))
  end })
  helper.leaves_nothing()

  local function path(name)
    return machine.dir .. "/" .. name
  end

  before_each(function()
    if not machine.guest:is_active() then
      machine.guest:launch()
    end
  end)

  local function is_as_before(e)
    assert.matches("^undone", e.outcome)
    assert.is_nil(e.left)
    assert.is_nil(machine.guest:get_block_device("vdb"):get_job_info())
    assert.same({ path("vdb.qcow2") }, machine:chain("vdb"))
    assert.same({}, guestlua.recover(machine.host))
  end

  -- The failure of a workflow right after its copy has begun.
  local function failing(fn)
    local ok, e = moment("copy:after", function() error("no", 0) end, fn)
    assert.is_false(ok)
    return e
  end

  it("that cannot be copied has no job, and there is no copy", function()
    is_as_before(failing(function()
      workflow.live_snapshot(machine.guest, "vdb", path("copy"))
    end))
    assert.is_nil(io.open(path("copy")))
  end)

  it("moves to another volume, or keeps its own", function()
    local function swap(name)
      return workflow.swap_volume(machine.guest, "vdb", ("<disk type='file'><driver type='qcow2'/><source file='%s'/></disk>"):format(path(name)))
    end
    is_as_before(failing(function()
      swap("volume")
    end))
    assert.is_nil(io.open(path("volume")))
    swap("volume")
    assert.equal(path("volume"), machine.guest:get_disk("vdb", { from_persistent_config = true }).source.file)
    os.remove(path("vdb.qcow2"))
    swap("vdb.qcow2")
    os.remove(path("volume"))
  end)

  it("with an overlay gets its image back", function()
    is_as_before(helper.failure(workflow.snapshot_then_commit, machine.guest, { disks = { "vdb" }, during = function()
      error("no", 0)
    end }))
  end)

  local function take(name)
    machine.guest:snapshot_create_as(name, { disk_only = true, disks = { vda = false, vdb = path(name), vdc = false } })
    assert.equal(2, #machine:chain("vdb"))
  end

  for _, off in ipairs({ false, true }) do
    it(("in a snapshot is merged if that is deleted and the guest %s"):format(off and "is off" or "runs"), function()
      take("ours")
      if off then
        machine.guest:poweroff()
      end
      local result = workflow.snapshot_delete(machine.guest, { name = "ours" })
      assert.same({ {}, nil }, { machine.guest:get_snapshot_names(), result.left })
      assert.equal(path("vdb.qcow2"), machine.guest:get_disk("vdb", { from_persistent_config = true }).source.file)
      assert.is_nil(io.open(path("ours")))
    end)
  end

  it("is a volume", function()
    take("above")
    machine.guest:snapshot_lookup_by_name("above"):delete({ metadata_only = true })
    local result = workflow.volume_snapshot_delete(machine.guest, "vdb")
    assert.same({ path("above") }, result.images)
  end)

  it("keeps the image that it is on from being merged into", function()
    for i, name in ipairs({ "one", "two" }) do
      helper.sh("cd %s && qemu-img create -q -f qcow2 -F qcow2 -b %s %s && chmod 666 %s", machine.dir, i == 1 and "vdc.qcow2" or "one", name, name)
      workflow.volume_snapshot_create(machine.guest, "vdc", { new_file = name, quiesce = false })
    end
    helper.sh("cd %s && qemu-img create -q -f qcow2 -F qcow2 -b vdc.qcow2 reads && chmod 666 reads", machine.dir)
    machine.guest:attach_device(([[<disk type='file'><driver name='qemu' type='qcow2'/><source file='%s'/><target dev='vdd' bus='virtio'/>
      <readonly/></disk>]]):format(path("reads")), { live = true })
    local e = helper.failure(workflow.volume_snapshot_delete, machine.guest, "vdc", { file_to_merge = "one", merge_target_file = "vdc.qcow2" })
    assert.same({ "operation_invalid", "look" }, { e.kind, e.step }, tostring(e))
    assert.matches("vdc.qcow2: disk vdd needs it as it is", e.message)
    assert.equal(3, #machine:chain("vdc"))
  end)
end)
