-- What was somebody else's, and was undone: by guards, and by the undo of workflows.
--
--   A guest that somebody else had frozen was thawed by a freeze that failed for that reason.
--   So was one that somebody froze in between: by the undo of a guard or a workflow that had not frozen it yet.
--   A guest that was restarted, and paused by whoever did that, was resumed by the end of a guard of the instance before.
--   A disk that took the place of the one that was attached was detached, and one that was there first was taken for the one to attach.
--   A merge that somebody else began right before the workflow's own was ended by its undo.
--   A rollback powered the guest off although somebody else's snapshot was above the overlay, and said that it was rolled back.
--   A rollback took back what somebody had changed of the disk's configuration, and broke a checkpoint that he had made.
--   A disk that was resized right after it was merged made its workflow fail, although all was done and the disk the guest's again.
--   A guest that went off while a device was attached for a scope got it in its configuration, and kept it.
--   A job that somebody began on a disk right after its move was taken for the move's own, which had failed then; and one that kept a call from its
--   work was not named. A guest that somebody moved on from its new volume was said not to have been moved.
--   A guest was moved by hand from the overlay to the image below: the overlay, the only place of what it had written, was removed.
--   A disk that was attached right before a workflow's snapshot got into it: it stayed on an image that libvirt had made, and success was said.
--   An overlay that came on top of a snapshot, which somebody had taken right before, stayed, and no recovery merged it.
--   A merge below the topmost image went on when its run had failed for a snapshot, or a restart, of somebody else: it was taken for his.
--   A guest with its memory saved during the deletion of a snapshot got a configuration without the overlay with which it goes on from that memory:
--   what it wrote from then on was lost at the next start.
--   A backup that somebody began on a disk right after its move kept the workflow waiting for as long as there was that backup.
--   A guest with its memory saved by somebody else, to a file of his, was said to be suspended: a resume would have booted it.
--   A configuration that somebody had given another image for a disk that was moved was said to be a disk with the image that it should have.

local faults = require("spec.support.faults")
local foreign = require("spec.support.foreign")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local workflow = guestlua.workflow

describe("What somebody else does in between stays", function()
  local machine, it_ = faults.machine({ journal = "journal" })
  local others = foreign.new(machine)

  local function stays(what, fn)
    it_(what, function()
      others:reset()
      fn(machine.guest)
    end)
  end

  local function virsh(command, ...)
    local code, said = others:act(command:format(...))
    assert.equal(0, code, said)
  end

  local function disk_xml(name)
    return ("<disk type='file'><source file='%s/%s'/><target dev='vdb' bus='virtio'/></disk>"):format(machine.dir, name)
  end

  local function swap_devices()
    assert.equal(0, (helper.run(("truncate -s 1M %s/mine %s/theirs"):format(machine.dir, machine.dir))))
  end

  stays("off, and its configuration as it was, when a device is attached for a scope", function(guest)
    swap_devices()
    local how = others:during("write_file:after", "destroy", function()
      local attached <close> = guest:attached(disk_xml("mine")) -- luacheck: ignore attached
    end)
    assert.same({ 0, "operation_invalid" }, { how.code, how.error and how.error.kind }, tostring(how.error))
    assert.is_nil(guest:get_xml_desc({ dump_inactive = true }):find("vdb", 1, true))
  end)

  stays("a freeze", function(guest)
    guest:freeze_filesystems()
    assert.equal("conflict", helper.failure(guest.frozen, guest).kind)
    assert.equal("conflict", helper.failure(workflow.snapshot_then_commit, guest, { quiesce = true }).kind)
    assert.equal("conflict", helper.failure(workflow.live_snapshot, guest, "vda", machine.dir .. "/copy", { quiesce = true }).kind)
    assert.equal("frozen", others:state_of_freeze())
    guest:thaw_filesystems()
  end)

  stays("a freeze that comes later", function(guest)
    local FREEZE, copy = "virsh domfsfreeze tiny", machine.dir .. "/copy"
    local runs = {
      { "write_file:after#1", function() local frozen <close> = guest:frozen() end }, -- luacheck: ignore frozen
      { "make_image:after", function() workflow.snapshot_then_commit(guest, { quiesce = true }) end },
      { "copy:after", function() workflow.live_snapshot(guest, "vda", copy, { quiesce = true }) end },
      { "make_image:after", function() workflow.backup(guest, { to = machine.root .. "/backup", quiesce = true }) end },
      { "write_file:after#1", function() workflow.volume_snapshot_create(guest, "vda", { new_file = copy, quiesce = true }) end,
        ("qemu-img create -q -f qcow2 -b %s -F qcow2 %s"):format(machine:chain()[1], copy) },
    }
    for _, run in ipairs(runs) do
      assert.equal(0, (helper.run(run[3] or "rm -f " .. copy)))
      local how = others:during(run[1], FREEZE, run[2])
      assert.same({ 0, "conflict" }, { how.code, how.error and how.error.kind }, tostring(how.said) .. tostring(how.error))
      assert.equal("frozen", others:state_of_freeze(), tostring(how.error))
      guest:thaw_filesystems()
    end
  end)

  stays("a disk in the place of another", function(guest)
    swap_devices()
    do
      local attached <close> = guest:attached(disk_xml("mine"), { live = true }) -- luacheck: ignore
      machine:sh("until [ -e /dev/vdb ]; do sleep 0.05; done")
      virsh("virsh detach-disk tiny vdb --live")
      machine:sh("while [ -e /dev/vdb ]; do sleep 0.05; done")
      virsh("virsh attach-disk tiny $D/theirs vdb --live")
    end
    assert.equal(machine.dir .. "/theirs", guest:get_disk("vdb").source.file)
    virsh("virsh detach-disk tiny vdb --live")
    machine:sh("while [ -e /dev/vdb ]; do sleep 0.05; done")
  end)

  stays("a disk that was attached first", function(guest)
    swap_devices()
    local how = others:during("attach_device:before", "virsh attach-disk tiny $D/theirs vdb --live", function()
      return workflow.attach_with_retry(guest, disk_xml("mine"), { pause = 0.1, attempts = 2 })
    end)
    assert.equal(0, how.code, how.said)
    assert.is_false(how.ok)
    assert.equal(machine.dir .. "/theirs", guest:get_disk("vdb").source.file)
    machine:sh("until [ -e /dev/vdb ]; do sleep 0.05; done")
    virsh("virsh detach-disk tiny vdb --live")
  end)

  stays("a merge that was begun first", function(guest)
    machine:sh("dd if=/dev/urandom of=/data/big bs=1M count=8 2>/dev/null; sync")
    virsh("virsh snapshot-create-as tiny --disk-only --no-metadata --diskspec vda,snapshot=external,file=$D/above")
    for _, moment in ipairs({ "write_file:after", "rebase:before" }) do
      local how = others:during(moment, "virsh blockpull tiny vda --bandwidth 1", function()
        return workflow.volume_snapshot_delete(guest, "vda", {})
      end)
      assert.equal(0, how.code, how.said)
      assert.is_false(how.ok)
      assert.matches("not the run's: it goes on", how.error.outcome)
      assert.is_not_nil(guest:get_block_device("vda"):get_job_info())
      virsh("virsh blockjob tiny vda --abort")
    end
  end)

  -- The first try, which would keep relative names, fails.
  for _, act in ipairs({ "snapshot", "restart" }) do
    stays("no merge of a run that ended: " .. act, function(guest)
      others.whole = false
      local below, base = ("%s/lower-%d"):format(machine.dir, others.number), machine:chain()[1]
      virsh("virsh snapshot-create-as tiny --disk-only --no-metadata --diskspec vda,snapshot=external,file=$D/lower-$N")
      machine:sh("dd if=/dev/urandom of=/data/big bs=1M count=12 2>/dev/null; sync")
      virsh("virsh snapshot-create-as tiny --disk-only --no-metadata --diskspec vda,snapshot=external,file=$D/upper-$N")
      local how = others:during("commit:after", act, function()
        return workflow.volume_snapshot_delete(guest, "vda", { file_to_merge = below, merge_target_file = base, bandwidth = 1 })
      end)
      assert.same({ 0, "conflict" }, { how.code, how.error and how.error.kind }, tostring(how.said) .. tostring(how.error))
      assert.is_nil(how.error.outcome:find("not the run's", 1, true), how.error.outcome)
      assert.is_nil(guest:get_block_device("vda"):get_job_info())
      others:check(how)
    end)
  end

  -- What became of a run that is to be rolled back, and during which somebody does this.
  local function rolled_back(guest, act)
    return others:during("during", act, function(at)
      return workflow.snapshot_then_commit(guest, { on_failure = "rollback", during = function()
        at()
        error("no")
      end })
    end)
  end

  stays("a snapshot above what was to be rolled back", function(guest)
    local id = guest.id
    local how = rolled_back(guest, "snapshot")
    assert.same({ 0, false }, { how.code, how.ok })
    others.whole = false
    assert.equal(id, guest.id)
    assert.matches("^not taken back: .*foreign", how.error.outcome)
    others:check(how)
    assert.matches("/foreign", machine:chain()[1])
  end)

  stays("a checkpoint of what was to be rolled back", function(guest)
    local id = guest.id
    local how = rolled_back(guest, "virsh checkpoint-create-as tiny theirs")
    assert.same({ 0, false }, { how.code, how.ok }, how.said)
    others.whole = false
    assert.equal(id, guest.id)
    assert.matches("^not taken back: .*checkpoint 'theirs'", how.error.outcome)
    assert.same({ "theirs" }, guest:get_checkpoint_names())
  end)

  stays("a change of the configuration of a disk that is rolled back", function(guest)
    local base = machine:chain()[1]
    local edit = "virsh dumpxml tiny --inactive --security-info | sed \"s,<target dev='vda',<serial>THEIRS</serial>&,\" >$D/x.xml "
      .. "&& virsh define $D/x.xml"
    local how = others:during("during", edit, function(at)
      return workflow.snapshot_then_commit(guest, { on_failure = "rollback", during = function()
        at()
        error("no")
      end })
    end)
    assert.same({ 0, false }, { how.code, how.ok }, how.said)
    others.whole = false
    assert.matches("^rolled back", how.error.outcome)
    for _, inactive in ipairs({ false, true }) do
      for _, disk in ipairs(guestlua.element(guest:get_xml_desc({ dump_inactive = inactive })).devices:children("disk")) do
        assert.same({ "vda", base, "THEIRS", "qcow2" }, { disk.target.dev, disk.source.file, disk.serial[1], disk.driver.type })
      end
    end
  end)

  stays("what the guest wrote to an overlay that it was moved away from", function(guest)
    local how = others:during("during", "virsh detach-disk tiny vda --live --config", function(at)
      return workflow.snapshot_then_commit(guest, { during = function()
        machine:sh("echo new >/data/new; sync; umount /data")
        at()
        machine:sh("while [ -e /dev/vda ]; do sleep 0.05; done")
        virsh("virsh attach-disk tiny $D/disk.qcow2 vda --live --config --driver qemu --subdriver qcow2")
      end })
    end)
    assert.equal(0, how.code, how.said)
    others.whole = false
    assert.equal("conflict", how.error.kind)
    assert.equal(1, #how.error.left)
    assert.is_true(others:files()[how.error.left[1].path])
  end)

  stays("the size that a disk gets right after its merge", function(guest)
    local how = others:during("abort_job:after", "blockresize", function()
      return workflow.snapshot_then_commit(guest)
    end)
    assert.same({ 0, true }, { how.code, how.ok }, tostring(how.said) .. tostring(how.error))
    others:check(how)
  end)

  -- Runs it with that copy begun by others.
  local function with_copy(moment, ending, fn)
    local how = others:during(moment, "virsh blockcopy tiny vda $D/foreign-$N --transient-job --wait" .. ending, fn)
    assert.equal(0, how.code, how.said)
    others.whole = false
    assert.equal("conflict", how.error and how.error.kind, tostring(how.error))
    return how
  end

  local function swap(guest)
    return workflow.swap_volume(guest, "vda", ("<disk type='file'><driver type='qcow2'/><source file='%s'/></disk>"):format(others:copy()), {
      resize_to = guest:get_block_device("vda"):get_block_info().capacity + (1 << 20) })
  end

  for _, moment in ipairs({ "abort_job:after", "resize:before" }) do
    stays("a job on a disk that was moved, at " .. moment, function(guest)
      local how = with_copy(moment, "", function() return swap(guest) end)
      assert.matches("has a job to .*/foreign%-", how.error.message)
      assert.matches("^finished: the guest has moved to ", how.error.outcome)
      virsh("virsh blockjob tiny vda --abort")
    end)
  end

  stays("a job on a disk that was merged", function(guest)
    local how = with_copy("abort_job:after", "", function() return workflow.snapshot_then_commit(guest) end)
    assert.matches("has a job to .*/foreign%-", how.error.message)
    assert.matches("^undone: the disks have the images they had", how.error.outcome)
    virsh("virsh blockjob tiny vda --abort")
  end)

  stays("where a guest is that was moved on", function(guest)
    local how = with_copy("abort_job:after", " --pivot", function() return swap(guest) end)
    assert.matches("^the guest may have moved to the volume before; the disk's images are .*/foreign%-", how.error.outcome)
    assert.equal(others:copy(), how.error.left[1].path)
  end)

  stays("a disk that is attached right before a snapshot", function(guest)
    swap_devices()
    others.whole = false
    local copy = machine.dir .. "/copy"
    assert.equal(0, (helper.run(("qemu-img create -q -f qcow2 -b %s -F qcow2 %s"):format(machine:chain()[1], copy))))
    for target, run in pairs({
      vdb = function() return workflow.snapshot_then_commit(guest) end,
      vdc = function() return workflow.volume_snapshot_create(guest, "vda", { new_file = copy }) end,
    }) do
      local image = ("%s/%s"):format(machine.dir, target == "vdb" and "mine" or "theirs")
      local how = others:during("snapshot:before", ("virsh attach-disk tiny %s %s --live"):format(image, target), run)
      assert.same({ 0, true }, { how.code, how.ok }, tostring(how.said) .. tostring(how.error))
      assert.equal(image, guest:get_disk(target).source.file)
      others:check(how, { result = copy })
    end
  end)

  stays("a snapshot that is taken right before the workflow's own", function(guest)
    for _, act in ipairs({ "snapshot", "metadata" }) do
      others.whole = false
      local how = others:during("snapshot:before", act, function() return workflow.snapshot_then_commit(guest) end)
      assert.same({ 0, "conflict" }, { how.code, how.error and how.error.kind }, tostring(how.said) .. tostring(how.error))
      assert.matches("^undone: no overlay is in use; disk vda has the images .*/foreign%-", how.error.outcome)
      assert.is_nil(how.error.left)
      others:check(how)
      others:check_outcome(how)
      assert.same({}, guestlua.recover(machine.host))
    end
  end)

  -- Takes an external snapshot "ours".
  local function take_ours(guest)
    guest:snapshot(guestlua.element("domainsnapshot", { name = { "ours" }, disks = { disk = { name = "vda", snapshot = "external",
      source = { file = machine.dir .. "/ours" } } } }), { disk_only = true })
  end

  for moment, act in pairs({ ["commit:before"] = "virsh managedsave tiny", ["write_file:after#3"] = "virsh start tiny; virsh managedsave tiny" }) do
    stays("an image with which a guest goes on from its saved memory, at " .. moment, function(guest)
      take_ours(guest)
      others.whole = false
      if moment ~= "commit:before" then
        guest:poweroff()
      end
      local how = others:during(moment, act, function() return workflow.snapshot_delete(guest, { name = "ours" }) end)
      assert.same({ 0, false }, { how.code, how.ok }, how.said)
      assert.matches("^not taken back: the guest's memory was saved, and it goes on from that with .*/ours; nothing is lost", how.error.outcome)
      assert.equal(machine.dir .. "/ours", guestlua.element(guest:get_xml_desc({ dump_inactive = true })).devices.disk.source.file)
      virsh("virsh start tiny")
      assert.matches("^finished: ", guestlua.recover(machine.host)[1].outcome)
      assert.equal(machine.disk, guestlua.element(guest:get_xml_desc({ dump_inactive = true })).devices.disk.source.file)
      assert.same({ machine.disk }, machine:chain())
    end)
  end

  stays("a backup of a disk that was moved", function(guest)
    others.whole = false
    local how = others:during("abort_job:after", [[virsh backup-begin tiny /dev/stdin <<<"<domainbackup mode='pull'>
      <server transport='unix' socket='$D/foreign-socket'/><disks><disk name='vda' backup='yes' type='file'><scratch file='$D/foreign-$N'/></disk>
      </disks></domainbackup>"]], function()
      return workflow.snapshot_then_commit(guest, { timeout = 60 })
    end)
    assert.same({ 0, "conflict" }, { how.code, how.error and how.error.kind }, tostring(how.said) .. tostring(how.error))
    assert.matches("^undone: the disks have the images they had", how.error.outcome)
    virsh("virsh domjobabort tiny")
  end)

  stays("the image that the configuration has for a disk that was moved", function(guest)
    others.whole = false
    local edit = "qemu-img create -q -f qcow2 $D/foreign 128M; virsh dumpxml tiny --inactive | sed \"s,<source file='[^']*disk.qcow2',"
      .. "<source file='$D/foreign',\" >$D/foreign.xml; virsh define $D/foreign.xml"
    local how = others:during("copy:after", edit, function() return swap(guest) end)
    assert.same({ 0, "conflict" }, { how.code, how.error and how.error.kind }, tostring(how.said) .. tostring(how.error))
    assert.matches("its configuration has another image for the disk, with which it will start: .*/foreign$", how.error.message)
    assert.matches("^finished: the guest has moved to ", how.error.outcome)
  end)

  for moment, act in pairs({
    ["save_memory_state:before"] = "virsh save tiny $D/foreign",
    ["save_memory_state:after"] = "virsh managedsave-remove tiny",
  }) do
    stays("off without saved memory, at " .. moment, function(guest)
      others.whole = false
      local how = others:during(moment, act, function() return workflow.suspend(guest) end)
      assert.same({ 0, "conflict" }, { how.code, how.error and how.error.kind }, tostring(how.said) .. tostring(how.error))
      assert.matches("it is off, and libvirt has no saved memory of it", how.error.message)
      assert.matches("^the guest is off, and libvirt has no saved memory of it", how.error.outcome)
    end)
  end

  stays("a pause of an instance that came later", function(guest)
    others.whole = false
    do
      local paused <close> = guest:paused() -- luacheck: ignore
      virsh("virsh destroy tiny && virsh start tiny --paused")
    end
    assert.equal("paused", guest:get_info().domain_state)
  end)
end)
