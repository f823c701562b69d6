-- A disk that moves to another volume while its guest writes.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local workflow = guestlua.workflow

describe("swap_volume", function()
  local machine = helper.machine()
  local guest, new
  helper.leaves_nothing(function()
    guestlua.journal({ dir = machine.dir .. "/journal" })
    guest, new = machine.guest, machine.dir .. "/new"
  end)

  local function volume(fields)
    fields = fields or {}
    fields.type, fields.source, fields.driver = "file", fields.source or { file = new }, fields.driver or { name = "qemu", type = "qcow2" }
    return guestlua.device.disk(fields)
  end

  local function configured()
    return guestlua.element(guest:get_xml_desc({ dump_inactive = true })).devices.disk
  end

  -- The guest is where it was: the disk that it had, in the configuration too, no job, and no second file.
  local function is_untouched()
    assert.same({ machine.disk }, machine:chain())
    assert.equal(machine.disk, configured().source.file)
    assert.is_true(guest:has_persistent_configuration())
    assert.is_nil(guest:get_block_device("vda"):get_job_info())
    assert.is_nil(io.open(new))
    assert.same({}, guestlua.recover(machine.host))
  end

  -- Puts the disk back for the next.
  local function swap_back()
    os.remove(machine.disk)
    workflow.swap_volume(guest, "vda", volume({ source = { file = machine.disk } }))
    os.remove(new)
    is_untouched()
  end

  it("moves the guest to a volume that is there already", function()
    assert(os.execute(("qemu-img create -q -f raw %s 64M && chmod 666 %s"):format(new, new)))
    workflow.swap_volume(guest, "vda", tostring(volume({ driver = { name = "qemu", type = "raw" } })), { reuse_ext = true })
    assert.same({ new }, machine:chain())
    assert.equal("raw", configured().driver.type)
    swap_back()
  end)

  it("hears of the end of its job, and does not wait for an event that is over", function()
    local outcomes, await_job = {}, guestlua.BlockDevice.await_job
    finally(function()
      guestlua.BlockDevice.await_job = await_job
    end)
    guestlua.BlockDevice.await_job = function(...)
      outcomes[#outcomes + 1] = await_job(...)
      return outcomes[#outcomes]
    end
    workflow.swap_volume(guest, "vda", volume())
    assert.same({ "ready", "completed" }, outcomes)
    swap_back()
  end)

  it("moves the guest, its data and its configuration", function()
    machine:sh("echo mine >/data/mine; sync")
    local result = workflow.swap_volume(guest, "vda", volume(), { resize_to = 80 * 2 ^ 20 | 0, timeout = 120 })
    assert.same({ "swap_volume", "vda", { new }, { machine.disk } }, { result.workflow, result.disk, result.images, result.was })
    assert.equal(new, configured().source.file)
    assert.equal("mine", machine:sh("echo 3 >/proc/sys/vm/drop_caches; cat /data/mine && rm /data/mine"))
    machine:sh("until [ $(cat /sys/block/vda/size) = 163840 ]; do sleep 0.05; done")
    assert.same({}, guestlua.recover(machine.host))
    swap_back()
  end)

  it("leaves the guest as it was where the copy does not work", function()
    machine:sh("dd if=/dev/urandom of=/data/x bs=1M count=4; sync")
    local e = helper.failure(workflow.swap_volume, guest, "vda", volume(), { bandwidth = 1, timeout = 0.1 })
    assert.same({ "swap_volume", "ready", "timeout" }, { e.workflow, e.step, e.kind })
    assert.matches("^undone", e.outcome)
    is_untouched()
    e = helper.failure(guestlua.timeout, 0.3, workflow.swap_volume, guest, "vda", volume(), { bandwidth = 1 })
    assert.equal("timeout", e.kind)
    assert.is_true(e.cause.step == "ready" or e.cause.step == "copy", e.cause.step) -- whichever it had come to
    is_untouched()
    e = helper.failure(workflow.swap_volume, guest, "vda", volume({ source = { file = machine.dir .. "/no/such/directory" } }))
    assert.equal("copy", e.step)
    is_untouched()
    e = helper.failure(workflow.swap_volume, guest, "vda", volume(), { reuse_ext = true }) -- it is not there
    assert.equal("copy", e.step)
    is_untouched()
    machine:sh("rm /data/x")
  end)

  -- libvirt takes it for a file. It was no file that the workflow makes: it stayed, and was not in `left`.
  it("leaves no file where the volume's type is not said", function()
    local xml = ("<disk><driver name='qemu' type='qcow2'/><source file='%s'/></disk>"):format(new)
    local e = helper.failure(workflow.swap_volume, guest, "vda", xml, { on_progress = function() error("no more") end })
    assert.same({ "ready", "undone: the guest has the volume that it had" }, { e.step, e.outcome })
    is_untouched()
    workflow.swap_volume(guest, "vda", xml)
    swap_back()
  end)

  it("says where the guest is when a step after the move fails", function()
    local e = helper.failure(workflow.swap_volume, guest, "vda", volume(), { resize_to = 1 << 62 })
    assert.equal("resize", e.step)
    assert.equal("finished: the guest has moved to " .. new, e.outcome)
    assert.same({ new }, machine:chain())
    assert.equal(new, configured().source.file)
    swap_back()
  end)

  it("refuses what it cannot do before it has done anything", function()
    local e = helper.failure(workflow.swap_volume, guest, "vdz", volume())
    assert.same({ "device_not_found", "vdz", "look" }, { e.kind, e.device, e.step })
    e = helper.failure(workflow.swap_volume, guest, "vda", volume({ source = { file = machine.disk } }))
    assert.same({ "operation_invalid", "look" }, { e.kind, e.step })
    e = helper.failure(workflow.swap_volume, guest, "vda", "<disk type='file'/>")
    assert.same({ "bad_argument", "conf" }, { e.kind, e.argument })
    for xml, said in pairs({ ["<disk><source dev='/dev/loop77'/></disk>"] = "without a type it is a file",
      ["<disk><source file='new'/></disk>"] = "an absolute path expected" }) do
      e = helper.failure(workflow.swap_volume, guest, "vda", xml)
      assert.same({ "bad_argument", "conf" }, { e.kind, e.argument })
      assert.matches(said, e.message, 1, true)
    end
    e = helper.failure(workflow.swap_volume, guest, "vda", volume(), { resize_to = 1 << 20 }) -- what is behind it would be lost
    assert.same({ "operation_invalid", "look" }, { e.kind, e.step })
    is_untouched()
  end)
end)
