-- Backups that QEMU writes itself: for who has no libnbd, and with it as well.

local core = require("guestlua.core")
local faults = require("spec.support.faults")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local stores = require("guestlua.backup.store")
local tiny = require("spec.support.tiny")

local sh = helper.sh
local workflow = guestlua.workflow

-- What a guestlua that was built without libnbd and nettle has.
local WITHOUT = [[
  local core = require("guestlua.core")
  core.nbd_copy, core.sha256 = false, nil
]]

describe("A backup in push mode", function()
  local to
  local small = helper.small(3)
  local machine, it_ = faults.machine({
    lacks = function()
      return not small.path and "needs root, for a file system of its own" or nil
    end,
    edit = function(domain)
      tiny.add_disk(domain, "vdb", "qcow2", 8 << 20)
    end,
    started = function(new)
      guestlua.journal({ dir = new.root .. "/state/guestlua/journal" })
    end,
  })

  helper.leaves_nothing(function()
    if machine.uri then
      to = machine.root .. "/to"
      assert(os.execute(("rm -rf %s %s/* && mkdir %s"):format(to, small.path, to)))
    end
  end, function()
    for _, name in ipairs(machine.uri and machine.guest:get_checkpoint_names() or {}) do
      machine.guest:delete_checkpoint(name)
    end
  end)

  local function backup(options)
    local all = { to = to, disks = { "vdb" }, quiesce = false, mode = "push" }
    for key, value in pairs(options or {}) do
      all[key] = value or nil
    end
    return workflow.backup(machine.guest, all)
  end

  -- Fills blocks of the disk: a function for each round, with zeros over data, and data over zeros.
  local ROUNDS = {
    function() machine:sh("dd if=/dev/urandom of=/dev/vdb bs=64k count=32 oflag=direct conv=fsync 2>/dev/null") end,
    function() machine:sh("dd if=/dev/zero of=/dev/vdb bs=64k count=8 seek=2 oflag=direct conv=fsync 2>/dev/null") end,
    function() machine:sh("dd if=/dev/urandom of=/dev/vdb bs=64k count=3 seek=4 oflag=direct conv=fsync 2>/dev/null") end,
  }

  local function list()
    return workflow.backups(to .. "/tiny")
  end

  -- A copy of what the disk has now: the spec is the only one that writes to it.
  local function keep(number)
    sh("qemu-img convert -U -O raw %s/vdb.qcow2 %s/round%d", machine.dir, machine.root, number)
  end

  local function check_restored(results, restore)
    for i, result in ipairs(results) do
      restore(result.id)
      local guest <close> = machine.host:guest("other")
      local path = guest:get_disk("vdb").source.file
      guest:delete_configuration()
      local _, out, err = helper.run(("qemu-img compare -f raw %s/round%d -F qcow2 %s"):format(machine.root, i, path))
      os.remove(path)
      assert.equal("Images are identical.\n", out, err)
    end
  end

  it_("in full and two increments is at each moment what the disk was", function()
    if not core.nbd_copy then
      pending("this was built without libnbd")
      return
    end
    local results = {}
    for i, write in ipairs(ROUNDS) do
      write()
      keep(i)
      results[i] = backup({ verify = i == 2 })
      assert.same({ "push", i == 1 and "full" or "incremental" }, { results[i].mode, results[i].level_used })
      assert.matches("as QEMU wrote them", results[i].lacks[1])
    end
    assert.same({ results[3].checkpoint }, machine.guest:get_checkpoint_names())
    assert.is_true(results[3].disks[1].bytes < 1 << 20)
    assert.equal(3, #workflow.verify(to .. "/tiny", { all = true }))
    check_restored(results, function(at)
      workflow.restore(machine.host, { from = to .. "/tiny", at = at, name = "other", to = machine.dir })
    end)
    -- an increment that guestlua reads goes on from there, and the other way round
    ROUNDS[2]()
    keep(1)
    local read = backup({ mode = "pull" })
    ROUNDS[3]()
    keep(2)
    local pushed = backup()
    assert.same({ "incremental", "incremental" }, { read.level_used, pushed.level_used })
    workflow.verify(to .. "/tiny", { all = true })
    -- a disk that was not in it begins with a full one
    local both = backup({ disks = { "vda", "vdb" } }).disks
    assert.same({ "vda", "full", "the last backup does not have the disk", "vdb", "incremental" },
      { both[1].target, both[1].level_used, both[1].because, both[2].target, both[2].level_used })
    check_restored({ read, pushed }, function(at)
      workflow.restore(machine.host, { from = to .. "/tiny", at = at, name = "other", to = machine.dir })
    end)
  end)

  it_("is the way without libnbd, and says what it lacks", function()
    local function run(script, ...)
      local code, out, err = faults.run(WITHOUT .. script, { uri = machine.uri, args = { to, ... },
        env = { XDG_STATE_HOME = machine.root .. "/state", PATH = machine.root .. "/bin:" .. os.getenv("PATH") } })
      assert.equal(0, code, err)
      return out
    end
    local results = {}
    for i, write in ipairs(ROUNDS) do
      write()
      keep(i)
      local id, mode, level, lacks = run([[
        local host <close> = guestlua.open()
        local done = guestlua.workflow.backup(host:guest("tiny"), { to = ..., disks = { "vdb" }, quiesce = false })
        print(done.id, done.mode, done.level_used, done.lacks[1])]]):match("^(%S+)\t(%S+)\t(%S+)\t(.*)\n")
      assert.same({ "push", i == 1 and "full" or "incremental" }, { mode, level })
      assert.matches("built without libnbd", lacks)
      results[i] = { id = id }
    end
    check_restored(results, function(at)
      assert.equal("true\n", run([[
        local host <close> = guestlua.open()
        local to, at, dir = ...
        print(guestlua.workflow.restore(host, { from = to .. "/tiny", at = at, name = "other", to = dir }).unchecked)]], at, machine.dir))
    end)
    -- a copy that hangs ends with the time of the restore
    sh("mkdir -p %s/bin && printf '#!/bin/sh\ncase $1 in convert) exec sleep 1000 ;; esac\nPATH=${PATH#*:} exec qemu-img \"$@\"\n' >%s/bin/qemu-img "
      .. "&& chmod 755 %s/bin/qemu-img", machine.root, machine.root, machine.root)
    assert.equal("timeout\tundone: no guest was made\n", run([[
      local host <close> = guestlua.open()
      local to, dir = ...
      local ok, e = pcall(guestlua.workflow.restore, host, { from = to .. "/tiny", name = "other", to = dir, timeout = 1 })
      print(e.kind, e.outcome)]], machine.dir))
    assert.equal("", sh("ls %s | grep ^other || :", machine.dir))
    run([[
      local function refused(kind, text, fn, ...)
        local ok, e = pcall(fn, ...)
        assert(not ok and e.kind == kind and e.message:find(text, 1, true), tostring(e))
      end
      local to = ...
      local host <close> = guestlua.open()
      local guest = host:guest("tiny")
      refused("no_support", "needs libnbd", guestlua.workflow.verify, to .. "/tiny")
      refused("no_support", "needs libnbd", guestlua.workflow.backup, guest, { to = to, verify = true })
      refused("no_support", "needs libnbd", guestlua.workflow.backup, guest, { to = to, mode = "pull" })
      refused("bad_argument", "built with libnbd", guestlua.workflow.backup, guest, { to = to, compress = "zstd" })]])
    if core.nbd_copy then
      assert.same({ "no_support" }, { helper.failure(workflow.verify, to .. "/tiny").kind })
      assert.is_true(workflow.restore(machine.host, { from = to .. "/tiny", name = "other", to = machine.dir }).unchecked)
      machine.host:guest("other"):delete_configuration()
      sh("rm %s/other-vdb.qcow2", machine.dir)
      assert.same({ "full", "the last backup has no checksums" }, { backup({ mode = "pull" }).level_used, list()[4].disks[1].because })
      workflow.prune(machine.host, to .. "/tiny", { keep = { full = 2 } })
      assert.equal(4, #list())
      workflow.prune(machine.host, to .. "/tiny", { keep = { full = 1 } })
      assert.equal(1, #list())
    end
  end)

  it_("says on the command line what it lacks, and a restore that nothing was compared", function()
    local function command(words, ...)
      local code, out, err = helper.guestlua(("-c %s %s"):format(helper.quoted(machine.uri), words:format(...)))
      assert.equal(0, code, err)
      return out
    end
    assert.matches("\n  lacks checksums", command("backup --mode=push --disk=vdb --freeze=no --to=%s tiny", to), 1, true)
    local store = stores.at(to .. "/tiny")
    local manifest = store:find()
    manifest.unchecked = true
    store:write(manifest)
    assert.matches("\n  nothing was compared: ", command("restore --name=other --to=%s %s/tiny", machine.dir, to), 1, true)
    local guest <close> = machine.host:guest("other")
    os.remove(guest:get_disk("vdb").source.file)
    guest:delete_configuration()
  end)

  it_("that is killed leaves nothing once it is recovered", function()
    ROUNDS[1]()
    backup()
    for _, fault in ipairs({ "virDomainBackupBegin#1:kill", "virDomainBackupBegin#1:kill:after" }) do
      local before, names = sh("ls %s/tiny | grep -v lock", to), machine.guest:get_checkpoint_names()
      assert.equal(128 + 9, (faults.run([[
        local host <close> = guestlua.open()
        guestlua.workflow.backup(host:guest("tiny"), { to = ..., disks = { "vdb" }, quiesce = false, mode = "push", on_progress = print })]],
        { uri = machine.uri, args = { to }, env = { XDG_STATE_HOME = machine.root .. "/state" }, fault = fault })), fault)
      local done = guestlua.recover(machine.host)
      assert.same({ 1, "backup" }, { #done, done[1].workflow }, fault)
      assert.is_nil(machine.guest:get_backup_xml())
      assert.same(names, machine.guest:get_checkpoint_names(), fault)
      assert.equal(before, sh("ls %s/tiny | grep -v lock", to), fault)
    end
    assert.equal("incremental", backup().level_used)
  end)

  it_("that cannot do what is asked is refused, and so is one that is no mode", function()
    local function refused(options, argument)
      local e = helper.failure(backup, options)
      assert.same({ "bad_argument", argument }, { e.kind, e.argument }, tostring(e))
    end
    refused({ mode = "pushed" }, "mode")
    refused({ compress = "zstd" }, "compress")
    refused({ encrypt = "/x" }, "encrypt")
    refused({ bandwidth = 1 }, "bandwidth")
    refused({ scratch = "/x" }, "scratch")
    assert.equal("", sh("ls %s", to))
  end)

  it_("fails alone if its target is full: the guest goes on, and nothing is left", function()
    ROUNDS[1]()
    machine:sh("dd if=/dev/urandom of=/dev/vdb bs=1M count=8 oflag=direct 2>/dev/null")
    local e = helper.failure(backup, { to = small.path })
    assert.same({ "no_space", "copy", "undone: there is no such backup" }, { e.kind, e.step, e.outcome }, tostring(e))
    assert.equal("running", machine.guest:get_info().domain_state)
    assert.same({}, machine.guest:get_checkpoint_names())
    assert.equal("target\n", sh("ls %s/tiny", small.path))
    machine:sh("dd if=/dev/urandom of=/dev/vdb bs=64k count=3 oflag=direct 2>/dev/null")
    assert.equal("full", backup().level_used)
  end)
end)
