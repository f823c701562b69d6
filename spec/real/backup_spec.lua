-- Backups of a guest that writes all the time, with the checksums of its files inside, and restores of them that boot.

local core = require("guestlua.core")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local tiny = require("spec.support.tiny")
local writer = require("spec.support.writer")

local sh = helper.sh
local workflow = guestlua.workflow

-- What a machine lacks for these specs; nil: nothing.
local function lacking()
  return not core.nbd_copy and "this was built without libnbd" or nil
end

describe("A backup", function()
  local reason = lacking()
  local function it_(name, fn)
    it(name, reason and function() pending(reason) end or fn)
  end

  local machine = helper.machine({
    prepare = function(new)
      if core.user() == 0 then -- a file system of its own, mounted before QEMU starts, or that would not see it
        assert(os.execute(("mkdir %s/small && mount -t tmpfs -o size=6m,mode=777 tmpfs %s/small"):format(new.dir, new.dir)))
        new.cleanup = function() os.execute(("umount -l %s/small"):format(new.dir)) end
      end
      assert(os.execute(("qemu-img create -q -f raw %s/second.img 8M && chmod 666 %s/second.img"):format(new.dir, new.dir)))
    end,
    edit = function(domain)
      domain.devices:append(guestlua.element(([[<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='%s/second.img'/>
        <target dev='vdb' bus='virtio'/></disk>]]):format(domain.devices.disk.source.file:match("^(.*)/"))))
    end,
  })
  local to

  helper.leaves_nothing(function()
    to = machine.dir .. "/to"
    assert(os.execute("rm -rf " .. to .. " && mkdir " .. to))
  end, function()
    for _, name in ipairs(machine.guest:get_checkpoint_names()) do
      machine.guest:delete_checkpoint(name)
    end
  end)

  local function backup(options)
    options = options or {}
    options.to = options.to or to
    options.exclude = not options.disks and { "vdb" } or nil
    return workflow.backup(machine.guest, options)
  end

  local function list()
    return workflow.backups(to .. "/" .. machine.name)
  end

  -- A backup as another guest, booted, while fn looks at it.
  local function booted(at, fn)
    local result = workflow.restore(machine.host, { from = to .. "/" .. machine.name, at = at, name = machine.name .. "-back", to = machine.dir,
      start = true })
    local back = setmetatable({ name = machine.name .. "-back", host = machine.host, dir = machine.dir .. "/none",
      guest = machine.host:guest(result.uuid) }, tiny.Machine)
    local closed <close> = back -- luacheck: ignore closed
    back.cleanup = function() os.remove(result.files[1].path) end
    guestlua.await_agent(back.guest, { timeout = tiny.TIMEOUT })
    fn(back, result)
  end

  it_("in full and ten increments, of a guest that writes all the while, is at each of these moments what it was", function()
    machine:sh(writer.START)
    local stopped <close> = setmetatable({}, { __close = function() machine:sh("touch /tmp/stop") end }) -- luacheck: ignore stopped
    machine:sh("until [ $(cat /data/count 2>/dev/null || echo 0) -ge 3 ]; do sleep 0.1; done")
    local counts, results = {}, {}
    for i = 1, 11 do
      counts[i] = tonumber(machine:sh("cat /data/count"))
      results[i] = backup({ verify = i % 3 == 0, compress = i % 2 == 0 and "zstd" or nil })
      assert.equal(i == 1 and "full" or "incremental", results[i].level_used)
      assert.equal("frozen", results[i].consistency)
      assert.is_true(results[i].frozen_seconds > 0)
      assert.same({ { target = "vdb", why = "it was excluded" } }, results[i].left_out)
      assert.is_nil(results[i].warnings)
      guestlua.sleep(0.2)
    end
    assert.equal("running", machine.guest:get_info().domain_state)
    assert.same({ results[11].checkpoint }, machine.guest:get_checkpoint_names())
    local checked = workflow.verify(results[1].directory, { all = true })
    assert.equal(11, #checked)
    sh("cd %s && for f in *.qcow2; do qemu-img check -q $f || exit 1; done", results[1].directory)
    local images = machine:chain()
    assert.same({ machine.disk }, images)
    machine:sh("touch /tmp/stop")
    for _, i in ipairs({ 1, 6, 11 }) do
      booted(results[i].id, function(back)
        local right, count = back:sh(writer.CHECK):match("^(%d+) (%d+)")
        assert.is_true(tonumber(count) >= counts[i], ("backup %d: %s of %d"):format(i, count, counts[i]))
        assert.is_true(tonumber(right) >= math.min(tonumber(count) - 1, 38), right)
      end)
    end
  end)

  it_("ends with its time, also in the middle of a copy, as a restore and a verification do", function()
    local result = backup()
    local copy = core.nbd_copy
    finally(function() core.nbd_copy = copy end)
    core.nbd_copy = function(options)
      options.rate = 1 -- byte a second
      return copy(options)
    end
    local there = machine.dir .. "/late"
    assert(os.execute("mkdir " .. there))
    local before = core.list_directory(result.directory)
    for _, call in ipairs({
      function() backup({ level = "full", timeout = 1 }) end,
      function() workflow.restore(machine.host, { from = result.directory, name = "late", to = there, timeout = 1 }) end,
      function() workflow.verify(result.directory, { timeout = 1 }) end,
    }) do
      local e = helper.failure(core.within, core.now() + tiny.TIMEOUT, 0, call)
      assert.equal("timeout", e.kind, tostring(e))
      assert.is_true(not e.outcome or e.outcome:find("^undone") ~= nil, tostring(e))
    end
    assert.same(before, core.list_directory(result.directory))
    assert.same({}, core.list_directory(there))
    assert.same({ result.checkpoint }, machine.guest:get_checkpoint_names())
    assert.is_nil(machine.host:guest("late"))
  end)

  it_("is restored with qemu-img alone, as the manual says", function()
    machine:sh("echo one >/data/word; sync")
    backup()
    machine:sh("echo two >/data/word; sync")
    local result = backup({ compress = "zlib" })
    -- the images of a chain are named in the manifest, newest first; each names the one below it
    sh("cd %s && qemu-img convert -O qcow2 %s.vda.qcow2 ../by-hand.qcow2", result.directory, result.id)
    local made = workflow.restore(machine.host, { from = result.directory, name = "by-api", to = machine.dir })
    sh("qemu-img compare %s/by-hand.qcow2 %s", to, made.files[1].path)
    sh("qemu-img check -q %s", made.files[1].path)
    -- the list of checksums is one that sha256sum understands
    local line = sh("grep -v zero %s/%s.vda.sums | sed -n 2p", result.directory, result.id)
    local offset, length, sum = line:match("^(%d+) (%d+) (%x+)")
    sh("qemu-img convert -O raw %s %s/raw", made.files[1].path, to)
    assert.equal(sum, sh("tail -c +%d %s/raw | head -c %s | sha256sum", offset + 1, to, length):match("^%x+"))
    local guest <close> = machine.host:guest("by-api")
    assert.equal(machine.dir .. "/console.log.by-api", guestlua.element(guest:get_xml_desc()).devices.serial.source.path) -- both may run
    guest:delete_configuration()
    os.remove(made.files[1].path)
  end)

  it_("is a full one of each disk that cannot be an increment, and says why", function()
    local both = { "vda", "vdb" }
    local function because(options)
      local reasons = {}
      for _, disk in ipairs(backup(options).disks) do
        reasons[disk.target] = disk.because or disk.level_used
      end
      return reasons
    end
    assert.same({ vda = "there is no backup yet" }, because({ level = "incremental" }))
    local found = because({ disks = both })
    assert.equal("incremental", found.vda)
    assert.matches("raw do not note what changes", found.vdb)
    assert.matches("raw do not note", because({ disks = both }).vdb)
    assert.same({ vda = "full" }, because({ level = "full" }))
    -- somebody deletes the checkpoint
    machine.guest:delete_checkpoint(list()[4].checkpoint)
    assert.matches("checkpoint of the last backup is gone", because().vda)
    -- the disk has another size
    local size = machine.guest:get_block_device("vda"):get_block_info().capacity
    machine.guest:get_block_device("vda"):resize(size + (1 << 20))
    assert.matches("had %d+ bytes, and has %d+", because().vda)
    assert.same({ vda = "incremental" }, because())
    -- a file of the chain is gone
    local last = list()[7].disks[1]
    os.rename(to .. "/" .. machine.name .. "/" .. last.chain[2].file, to .. "/moved")
    for _, e in ipairs({ helper.failure(workflow.verify, to .. "/" .. machine.name),
      helper.failure(workflow.restore, machine.host, { from = to .. "/" .. machine.name, name = "other", to = to }) }) do
      assert.same({ "invalid_backup", "vda" }, { e.kind, e.device })
      assert.matches(last.chain[2].file .. ", which is not there", e.message, 1, true)
    end
    assert.matches("is missing", because().vda)
    -- as often as keep says
    assert.same({ vda = "incremental" }, because({ keep = { increments = 1 } }))
    assert.matches("1 increments already", because({ keep = { increments = 1 } }).vda)
    -- the disk is on another image
    machine.guest:snapshot(guestlua.element("domainsnapshot", { disks = { disk = {
      { name = "vda", snapshot = "external", source = { file = machine.dir .. "/overlay.qcow2" } }, { name = "vdb", snapshot = "no" } } } }),
      { disk_only = true, no_metadata = true })
    assert.matches("was on .*, and is on .*overlay", because().vda)
    local disk = machine.guest:get_block_device("vda")
    disk:commit(machine.disk, nil, { active = true })
    assert.equal("ready", disk:await_job())
    disk:abort_job({ pivot = true })
    assert.equal("completed", disk:await_job())
  end)

  it_("leaves others' checkpoints alone", function()
    local result = backup()
    machine.guest:create_checkpoint("<domaincheckpoint><name>theirs</name><disks><disk name='vda' checkpoint='bitmap'/>"
      .. "<disk name='vdb' checkpoint='no'/></disks></domaincheckpoint>")
    machine:sh("dd if=/dev/urandom of=/data/z bs=64k count=4 2>/dev/null; sync; sha256sum /data/z >/data/z.sum; sync")
    local next_one = backup()
    assert.equal("incremental", next_one.level_used)
    local names = machine.guest:get_checkpoint_names()
    table.sort(names)
    assert.same({ next_one.checkpoint, "theirs" }, names)
    assert.not_equal(result.checkpoint, next_one.checkpoint)
    booted(nil, function(back)
      assert.equal("/data/z: OK", back:sh("sha256sum -c /data/z.sum"))
    end)
    -- a target of its own has a chain of its own
    assert.equal("full", backup({ to = machine.dir .. "/to/other" }).level_used)
    assert.equal(3, #machine.guest:get_checkpoint_names())
    assert.equal("incremental", backup().level_used)
  end)

  it_("is refused before anything is done: bad input, a disk that is not there, somebody else's directory, no room", function()
    local function refused(options)
      return helper.failure(backup, options)
    end
    assert.equal("bad_argument", refused({ to = "relative" }).kind)
    assert.equal("bad_argument", refused({ level = "some" }).kind)
    assert.equal("bad_argument", refused({ compress = "bzip" }).kind)
    assert.equal("bad_argument", refused({ keep = { hourly = 1 } }).kind)
    assert.equal("bad_argument", refused({ keep = { full = 0 } }).kind)
    assert.equal("bad_argument", refused({ keep = { full = 1, daily = 1 } }).kind)
    assert.equal("bad_argument", refused({ disks = { vda = true } }).kind)
    assert.equal("device_not_found", refused({ disks = { "vdc" } }).kind)
    assert.equal("no_space", refused({ reserve = 1 << 60 }).kind)
    local result = backup()
    local path = result.directory .. "/" .. result.id .. ".json"
    sh("sed -i 's/%s/00000000-1111-2222-3333-444444444444/' %s", machine.guest.uuid, path)
    assert.equal("conflict", refused().kind)
    sh("sed -i 's/00000000-1111-2222-3333-444444444444/%s/' %s", machine.guest.uuid, path)
    -- a guest that stands still does not answer
    machine.guest:pause()
    local e = refused({ quiesce = true })
    machine.guest:resume()
    assert.equal("look", e.step)
    assert.matches("without quiesce=true nothing is frozen", e.hint, 1, true)
    local lock <close> = core.lock(result.directory .. "/lock") -- luacheck: ignore lock
    assert.equal("busy", refused().kind)
    assert.equal("busy", helper.failure(workflow.verify, result.directory).kind)
    assert.same({ result.checkpoint }, machine.guest:get_checkpoint_names())
  end)

  it_("that a manifest does not describe rightly is none", function()
    local result = backup()
    local path = result.directory .. "/" .. result.id .. ".json"
    sh("cp %s %s/kept", path, to)
    for _, edit in ipairs({ "s/qcow2\"/qcow2\\/..\"/", 's/"format": *1/"format":2/', "s/\"id\".*/\"id\":\"x\",/", "1d",
      's/"image_sha256":"./"image_sha256":"/' }) do
      sh("sed '%s' %s/kept >%s", edit, to, path)
      local found = list()
      assert.equal(0, #found, edit)
      assert.equal(result.id, found.problems[1].id)
      for _, options in ipairs({ {}, { all = true }, { at = result.id } }) do
        local e = helper.failure(workflow.verify, result.directory, options)
        assert.equal("invalid_backup", e.kind, edit)
        assert.matches(path, e.message, 1, true)
      end
    end
    local e = helper.failure(workflow.prune, machine.host, result.directory, { keep = { full = 1 } })
    assert.equal("invalid_backup", e.kind)
    assert.is_true(os.execute("test -e " .. result.directory .. "/" .. result.id .. ".vda.qcow2"))
  end)

  it_("does not come back over what is there", function()
    local result = backup()
    local function refused(options)
      options.from = result.directory
      return helper.failure(workflow.restore, machine.host, options)
    end
    assert.equal("operation_invalid", refused({}).kind) -- the guest is there
    assert.equal("bad_argument", refused({ name = "other" }).kind) -- no place for its disk
    assert.equal("operation_invalid", refused({ name = "other", disks = { vda = machine.disk } }).kind)
    assert.equal("device_not_found", refused({ name = "other", to = machine.dir, disks = { vdz = "/x" } }).kind)
    assert.equal("no_backup", refused({ name = "other", to = machine.dir, at = "1999-01-01T00:00:00Z" }).kind)
    -- a block that rots is found on the way, and nothing is restored
    sh("qemu-io -c 'write -q -P 99 0 512' %s/%s.vda.qcow2", result.directory, result.id)
    local e = refused({ name = "other", to = machine.dir })
    assert.equal("checksum_error", e.kind)
    assert.equal("vda", e.device)
    assert.matches("no guest was made", e.outcome)
    assert.equal("", sh("ls %s | grep ^other || :", machine.dir))
    assert.is_nil(machine.host:guest("other"))
    assert.equal("checksum_error", helper.failure(workflow.verify, result.directory).kind)
  end)

  it_("goes when it is not kept, unless somebody needs it", function()
    local ids = {}
    for i = 1, 5 do
      ids[i] = backup({ level = i % 2 == 1 and "full" or "auto" }).id -- full, increment, full, increment, full
    end
    local directory = to .. "/" .. machine.name
    local function left() -- oldest first: two of the same second have names in any order
      local found = {}
      for i, manifest in ipairs(list()) do
        found[i] = manifest.id
      end
      return found
    end
    local theirs = directory .. "/20200101-000000-00000000.vda.qcow2" -- no manifest has ever named it: somebody is copying a backup to there
    sh("touch %s", theirs)
    sh("qemu-img create -q -f qcow2 -b %s/%s.vda.qcow2 -F qcow2 %s/user.qcow2", directory, ids[2], directory)
    local result = workflow.prune(machine.host, directory, { keep = { full = 2 } })
    assert.same({ ids[1], ids[2] }, result.pruned)
    assert.same({ theirs, directory .. "/user.qcow2" }, result.foreign)
    local kept = {} -- what user.qcow2 is based on, and what that is based on; of the same second they may have any order
    for i, file in ipairs(result.left) do
      kept[i] = file.path:match("[^/]+$")
    end
    table.sort(kept)
    local expected = { ids[1] .. ".vda.qcow2", ids[2] .. ".vda.qcow2" }
    table.sort(expected)
    assert.same(expected, kept)
    os.remove(directory .. "/user.qcow2")
    assert(os.remove(theirs))
    result = workflow.prune(machine.host, directory, { keep = { full = 2 } })
    assert.same({ pruned = {} }, result)
    assert.same({ ids[3], ids[4], ids[5] }, left())
    assert.equal("3", sh("ls %s/*.qcow2 | wc -l", directory):match("%d+"))
    workflow.verify(directory, { all = true })
    -- an increment gets what is below it
    result = backup({ keep = { daily = 1 } })
    assert.same({ ids[3], ids[4], ids[5] }, result.pruned)
    assert.same({ result.id }, result.merged)
    assert.equal(1, #result.disks[1].chain)
    assert.same({ result.id }, left())
    workflow.verify(directory, { all = true })
    assert.equal("incremental", backup().level_used)
    workflow.verify(directory, { all = true })
  end)

  -- A backup with little scratch space, while the guest overwrites its files: the error.
  local function crowded(overwrite)
    local small = machine.dir .. "/small"
    machine:sh("dd if=/dev/urandom of=/data/more bs=64k count=96 2>/dev/null; sync")
    local reads, e = false, nil
    local task = guestlua.spawn(function()
      e = helper.failure(backup, { scratch = small, reserve = 3 << 20, bandwidth = 1, on_progress = function(progress)
        reads = reads or progress.read > 0
      end })
    end)
    helper.await(function()
      assert.is_true(reads or task:status() == "running", tostring(e))
      return reads
    end, "it reads nothing")
    pcall(machine.sh, machine, overwrite) -- a guest that is paused does not answer
    task:wait()
    assert.equal("no_space", e.kind, e.message)
    assert.matches("undone", e.outcome)
    assert.equal("running", machine.guest:get_info().domain_state)
    machine:sh("dd if=/dev/urandom of=/data/more bs=64k count=96 conv=notrunc 2>/dev/null; sync; rm /data/more; sync") -- it goes on
    assert.equal("target\n", sh("ls %s; ls %s/%s", small, to, machine.name))
    assert.same({}, machine.guest:get_checkpoint_names())
  end

  it_("is given up when the scratch space gets scarce, and a guest that was paused all the same goes on", function()
    if core.user() ~= 0 then
      pending("needs root, for a file system of its own")
      return
    end
    crowded("for i in 0 1 2 3; do dd if=/dev/urandom of=/data/more bs=64k count=16 seek=$((i * 16)) conv=notrunc 2>/dev/null; sync; sleep 1; done")
    crowded("dd if=/dev/urandom of=/data/more bs=64k count=96 conv=notrunc 2>/dev/null; sync") -- faster than anybody looks
  end)

  it_("of a guest that is off is one as well", function()
    machine:sh("echo off >/data/word; sync")
    machine.guest:poweroff()
    local result = backup({ disks = { "vda", "vdb" }, verify = true })
    assert.equal("off", result.consistency)
    assert.equal("full", result.level_used)
    sh("qemu-img compare %s %s/%s.vda.qcow2", machine.disk, result.directory, result.id)
    sh("qemu-img compare -f raw -F qcow2 %s/second.img %s/%s.vdb.qcow2", machine.dir, result.directory, result.id)
    assert.matches("guest is off", backup().disks[1].because)
    workflow.verify(result.directory, { all = true })
    -- what noted changes goes on when it runs again
    machine.guest:launch()
    guestlua.await_agent(machine.guest, { timeout = tiny.TIMEOUT })
    assert.equal("full", backup().level_used)
    assert.equal("incremental", backup().level_used)
  end)
end)
