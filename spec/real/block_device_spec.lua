local guestlua = require("guestlua")
local helper = require("spec.support.helper")

describe("BlockDevice, on a real guest,", function()
  local full -- a directory with little room in it, or nil
  local machine = helper.machine({
    prepare = function(m)
      full = m.dir .. "/full"
      local mounted = os.execute(("mkdir %s && mount -t tmpfs -o size=2m,mode=777 none %s 2>/dev/null"):format(full, full))
      m.cleanup = function()
        os.execute("umount -l " .. m.dir .. "/full 2>/dev/null")
      end
      full = mounted and full or nil
    end,
  })
  helper.leaves_nothing()

  -- A guest's own data has to come through everything that is done to its disk.
  local function write(mebibytes)
    return machine:sh(("dd if=/dev/urandom of=/data/x bs=1M count=%d 2>/dev/null; sync; sha256sum /data/x"):format(mebibytes))
  end
  local function read()
    return machine:sh("sync; echo 3 > /proc/sys/vm/drop_caches; sha256sum /data/x")
  end

  local count = 0
  local function snapshot()
    count = count + 1
    local file = ("%s/overlay%d"):format(machine.dir, count)
    machine.guest:snapshot(
      guestlua.element("domainsnapshot", { disks = { disk = { name = "vda", snapshot = "external", source = { file = file } } } }),
      { disk_only = true, no_metadata = true })
    return file
  end

  -- Back to one image, whatever a spec left.
  after_each(function()
    local disk = machine.guest:get_block_device("vda")
    if disk:get_job_info() then
      disk:abort_job()
    end
    if #machine:chain() > 1 then
      disk:rebase()
      assert.equal("completed", (disk:await_job({ timeout = 120 })))
    end
  end)

  local function image(name)
    return ("%s/%s"):format(machine.dir, name)
  end

  local function destination(name)
    return guestlua.element("disk", { type = "file", source = { file = image(name) }, driver = { type = "qcow2" } })
  end

  it("commits the active image, pivots, and is one image again", function()
    local base = machine:chain()[1]
    local overlay = snapshot()
    local sum = write(4)
    assert.same({ overlay, base }, machine:chain())

    local disk, calls = machine.guest:get_block_device("vda"), {}
    assert.equal(0, disk:commit(nil, nil, { active = true, shallow = true }))
    local outcome = disk:await_job({ timeout = 60, on_progress = function(info) calls[#calls + 1] = info end })
    assert.equal("ready", outcome)
    local last = calls[#calls]
    assert.equal("active_commit", guestlua.block_job_type[last.job])
    assert.same({ last.cur, last["end"] }, { last.end_, last.end_ })
    assert.is_true(disk:is_job_complete())
    assert.is_true(disk:wait_for_job({ wait_for_job_clean = true }))
    assert.is_false(disk:wait_for_job())
    assert.equal("ready", (disk:await_job({ timeout = 60 })))

    disk:abort_job({ pivot = true })
    assert.equal("completed", (disk:await_job({ timeout = 60 })))
    assert.is_nil(disk:get_job_info())
    assert.is_true(disk:is_job_complete())
    assert.is_false(disk:wait_for_job({ wait_for_job_clean = true }))
    assert.same({ base }, machine:chain())
    assert.equal(sum, read())
  end)

  it("commits images below the active one", function()
    local base = machine:chain()[1]
    local middle = snapshot()
    local sum = write(2)
    local top = snapshot()
    local disk = machine.guest:get_block_device("vda")
    disk:commit(base, middle)
    assert.equal("completed", (disk:await_job({ timeout = 60 })))
    assert.same({ top, base }, machine:chain())
    assert.equal(sum, read())
  end)

  it("pulls the chain up into the active image", function()
    local sum = write(2)
    local top = snapshot()
    local disk = machine.guest:get_block_device(top) -- by the path of its source
    disk:rebase()
    assert.equal("completed", (disk:await_job({ timeout = 60 })))
    assert.same({ top }, machine:chain())
    assert.equal(sum, read())
  end)

  it("copies the disk and moves the guest to the copy", function()
    local sum = write(2)
    local disk = machine.guest:get_block_device("vda")
    disk:copy(destination("copy"), { transient = true })
    assert.equal("ready", (disk:await_job({ timeout = 60 })))
    disk:abort_job({ pivot = true })
    assert.equal("completed", (disk:await_job({ timeout = 60 })))
    assert.same({ image("copy") }, machine:chain())
    assert.equal(sum, read())
  end)

  it("distinguishes a timeout from an end, and an abort from a success", function()
    write(8)
    local disk = machine.guest:get_block_device("vda")
    local before = machine:chain()
    disk:copy(destination("slow"), { transient = true, bandwidth = 1 })
    local e = helper.failure(disk.await_job, disk, { timeout = 0.1 })
    assert.equal("timeout", e.kind)
    assert.is_true(e.still_running)
    assert.same({ "vda", machine.guest.name }, { e.device, e.guest })
    assert.equal(1, disk:get_job_info().bandwidth)
    assert.is_false(disk:is_job_complete())
    assert.is_true(disk:wait_for_job())
    local busy = helper.failure(disk.copy, disk, destination("other"), { transient = true })
    assert.equal("block_copy_active", busy.kind)
    disk:abort_job({ async = true })
    local outcome, reason = disk:await_job({ timeout = 60 })
    assert.equal("canceled", outcome)
    assert.matches("aborted", reason)
    assert.same(before, machine:chain())
  end)

  it("ends with the wait for it when the task is cancelled", function()
    write(8)
    local disk = machine.guest:get_block_device("vda")
    local events <close> = machine.guest:subscribe("block_job_2")
    disk:copy(destination("cancelled"), { transient = true, bandwidth = 1 })
    local task = guestlua.spawn(disk.await_job, disk)
    helper.await(function()
      assert.equal("running", task:status())
      return disk:get_job_info()
    end, "there is no job")
    task:cancel()
    local e = helper.failure(task.wait, task)
    assert.same({ "cancelled", false }, { e.kind, e.still_running })
    assert.matches("the job was aborted", e.message)
    assert.equal("canceled", events:next(0).status) -- and has reported that
    assert.is_nil(disk:get_job_info())
  end)

  it("raises what on_progress raises, and the job goes on", function()
    write(8)
    local disk = machine.guest:get_block_device("vda")
    disk:copy(destination("slow2"), { transient = true, bandwidth = 1 })
    local e = helper.failure(disk.await_job, disk, { on_progress = function() error("mine", 0) end })
    assert.equal("mine", e)
    assert.is_truthy(disk:get_job_info())
    disk:abort_job()
    assert.equal("canceled", (disk:await_job({ timeout = 60 })))
  end)

  it("says that a job failed, and how far it came", function()
    if not full then
      pending("needs root, for a file system with little room")
      return
    end
    write(8)
    local disk = machine.guest:get_block_device("vda")
    local before = machine:chain()
    disk:copy(destination("full/copy"), { transient = true })
    local outcome, reason = disk:await_job({ timeout = 60 })
    assert.equal("failed", outcome)
    assert.matches("failed", reason)
    assert.same(before, machine:chain())
    assert.is_true(machine.guest:is_active())
  end)

  it("does not take for a success what it did not see", function()
    local disk, other = machine.guest:get_block_device("vda"), machine.guest:get_block_device("vda")
    local outcome, reason = disk:await_job({ timeout = 30 })
    assert.equal("unknown", outcome)
    assert.matches("no job", reason)
    snapshot()
    other:rebase()
    assert.equal("completed", (other:await_job({ timeout = 60 })))
    assert.equal("unknown", (disk:await_job({ timeout = 30 })))
  end)

  it("is resized, and the guest sees it", function()
    local disk = machine.guest:get_block_device("vda")
    disk:resize(80 * 2 ^ 20 | 0)
    assert.equal(tostring(80 * 2048), machine:sh("cat /sys/block/vda/size"))
  end)

  it("becomes smaller only on demand", function()
    local disk = machine.guest:get_block_device("vda")
    local size = disk:get_block_info().capacity
    local e = helper.failure(disk.resize, disk, size - 512)
    assert.same({ "bad_argument", "resize", "size" }, { e.kind, e.op, e.argument })
    assert.matches("shrink=true", e.message)
    assert.equal(size, disk:get_block_info().capacity)
    disk:resize(size)
    disk:resize(size + (1 << 20))
    disk:resize(size, { shrink = true })
    assert.equal(size, disk:get_block_info().capacity)
  end)

  it("counts what went over it", function()
    local disk = machine.guest:get_block_device("vda")
    local before = { disk:block_stats() }
    write(1)
    local after = { disk:blockStats() }
    assert.equal(5, #after)
    assert.is_true(after[4] - before[4] >= 2 ^ 20)
  end)

  it("that is not there is named in the error", function()
    local disk = machine.guest:get_block_device("vdz")
    for _, call in ipairs({ "commit", "rebase", "get_job_info", "await_job", "abort_job", "block_stats", "is_job_complete" }) do
      local e = helper.failure(disk[call], disk)
      assert.equal("vdz", e.device)
      assert.matches("disk 'vdz' of guest '" .. machine.guest.name .. "'", tostring(e), 1, true)
      assert.is_truthy(e.code)
    end
    helper.failure(disk.resize, disk, 1)
    assert.equal("<BlockDevice vdz of " .. machine.guest.name .. ">", tostring(disk))
  end)

  it("says what helps if there is nothing to merge, or the call is not the one for it", function()
    local guest, disk = machine.guest, machine.guest:get_block_device("vda")
    for said, attempt in pairs({
      ["it: there is nothing to merge"] = function() disk:commit({ active = true }) end,
      ["{ active = true } merges"] = function() disk:commit({ shallow = true }) end,
      ["named by its whole path"] = function() disk:commit("/nonesuch", "/nonesuch2") end,
      ["the image has to be there"] = function()
        guest:attach_device("<disk type='file'><source file='/nonesuch'/><target dev='vdb' bus='virtio'/></disk>", { live = true })
      end,
      ["<serial type='pty'/> in its configuration makes one"] = function() guest:console() end,
      ["add the flag peer2peer"] = function() guest:migrate("qemu+tcp://nonesuch/system") end,
    }) do
      assert.matches(said, helper.failure(attempt).hint, 1, true)
    end
  end)

  it("answers bad input before libvirt is called", function()
    local disk = machine.guest:get_block_device("vda")
    local options = "relative, active, shallow, delete, bandwidth"
    for _, case in ipairs({
      { "the options are: " .. options, disk.commit, disk, nil, nil, { pivot = true } },
      { "integer expected, got string", disk.commit, disk, nil, nil, { bandwidth = "1" } },
      { "no integer", disk.commit, disk, nil, nil, { bandwidth = 1.5 } },
      { "negative", disk.resize, disk, -1 },
      { "integer expected, got nil", disk.resize, disk },
      { "string expected, got table", disk.commit, disk, {} },
      { "the options are: timeout, on_progress", disk.await_job, disk, { wait = 1 } },
      { "negative", disk.await_job, disk, { timeout = -1 } },
      { "too many", disk.await_job, disk, {}, 1 },
      { "BlockDevice expected, got Guest", disk.commit, machine.guest },
    }) do
      local e = helper.failure(table.unpack(case, 2, 7))
      assert.equal("bad_argument", e.kind)
      assert.matches(case[1], e.message)
    end
  end)
end)
