-- Backups and restores that fail in the middle, of whatever: nothing of them stays, and the next increment lacks nothing.

local core = require("guestlua.core")
local guestlua = require("guestlua")
local after_write = require("spec.support.after_write")
local faults = require("spec.support.faults")
local helper = require("spec.support.helper")

local sh = helper.sh
local workflow = guestlua.workflow

-- What the child does, with SIGKILL after a write, or right before (odd numbers) and right after (even ones) it removes a file.
local CHILD = after_write .. [[
  local removals, at = 0, tonumber(os.getenv("KILL_AT_REMOVAL") or 0)
  local function count()
    removals = removals + 1
    if removals == at then
      os.execute("kill -KILL $PPID")
    end
  end
  for _, name in ipairs({ "remove_file", "remove_image" }) do
    local remove = core[name]
    core[name] = function(...)
      count()
      local results = table.pack(remove(...))
      count()
      return table.unpack(results, 1, results.n)
    end
  end
  local host <close> = guestlua.open()
  local to, dir = ...
  %s
  print(writes, removals)
]]

local BACKUP = 'guestlua.workflow.backup(host:guest("tiny"), { to = to, keep = { full = 2, increments = 3 } })'
local SLOWLY = [[local ok, e = pcall(guestlua.workflow.backup, host:guest("tiny"), { to = to, bandwidth = 1, level = "full",
  scratch = os.getenv("SCRATCH"), reserve = os.getenv("SCRATCH") and 0 or nil })
  if not ok then
    print(core.Error.is(e) and ("%s because of %s"):format(e.kind, e.cause and e.cause.kind))
    error(e, 0)
  end]]
local RESTORE = 'guestlua.workflow.restore(host, { from = to .. "/tiny", name = "back", to = dir, start = true })'

local PRUNE = 'guestlua.workflow.prune(host, to .. "/tiny", { keep = { full = 1 } })'

local CHANGES = {
  virDomainBackupBegin = true, virDomainFSFreeze = true, virDomainFSThaw = true, virDomainAbortJob = true, virDomainCheckpointDelete = true,
  virDomainSetMetadata = true, virDomainDefineXML = true, virDomainDefineXMLFlags = true, virDomainCreateWithFlags = true,
}

describe("A backup that fails", function()
  local to
  local small = helper.small(2)
  local machine, it_ = faults.machine({
    lacks = function()
      return not core.nbd_copy and "this was built without libnbd" or nil
    end,
    each = function(machine)
      machine:reset()
      sh("ls /var/tmp/guestlua-*.sock >%s/sockets 2>/dev/null || echo none >%s/sockets", machine.root, machine.root)
      machine:sh("dd if=/dev/urandom of=/data/big bs=64k count=48 2>/dev/null; sync")
    end,
  })

  helper.leaves_nothing(function()
    if machine.uri then
      guestlua.journal({ dir = machine.root .. "/state/guestlua/journal" })
      to = machine.root .. "/to"
      assert(os.execute("rm -rf " .. to .. " && mkdir " .. to))
    end
  end)

  local function options(fault, env)
    env = env or {}
    env.XDG_STATE_HOME = machine.root .. "/state"
    return { uri = machine.uri, args = { to, machine.dir }, env = env, fault = fault }
  end

  local function run(script, fault, env)
    return faults.run(CHILD:format(script), options(fault, env))
  end

  local function backup(more)
    more = more or {}
    more.to = to
    return workflow.backup(machine.guest, more)
  end

  -- What is left of jobs: scratch files, and sockets that were not there before the spec. Those on which somebody listens are of other specs, which
  -- remove theirs.
  local function leftovers()
    local deadline = guestlua.now() + 20
    while true do
      local found = sh("ls -d %s/*guestlua-* 2>/dev/null; for s in /var/tmp/guestlua-*.sock; do [ ! -e $s ] || grep -qF $s /proc/net/unix || "
        .. "grep -qxF $s %s/sockets || echo $s; done", machine.dir, machine.root)
      if found == "" or guestlua.now() > deadline then
        return found
      end
      guestlua.sleep(0.5)
    end
  end

  local function names(list)
    table.sort(list)
    return list
  end

  -- Nothing of a backup is there but backups: their files, and the checkpoint of the last one.
  local function check_clean(where)
    local list = workflow.backups(to .. "/tiny")
    local last = list[#list]
    assert.same(last and { last.checkpoint } or {}, machine.guest:get_checkpoint_names(), where)
    assert.is_nil(machine.guest:get_backup_xml(), where)
    assert.equal("", leftovers(), where)
    local wanted = { "target" }
    for _, one in ipairs(list) do
      local own = one.disks[1].chain[1]
      table.move({ one.id .. ".json", one.id .. ".xml", own.file, own.sums }, 1, 4, #wanted + 1, wanted)
    end
    local found = {}
    for _, name in ipairs(core.list_directory(to .. "/tiny")) do
      found[#found + 1] = name ~= "lock" and name or nil -- that of a dead process is free
    end
    assert.same(names(wanted), last and names(found) or wanted, where)
    machine:sh("echo " .. core.now() .. " >/data/after; sync") -- it is not frozen
  end

  -- The next backup has all that the disk has.
  local function check_next(where)
    machine:sh("dd if=/dev/urandom of=/data/next bs=64k count=2 2>/dev/null; sync")
    machine.guest:pause()
    local result = backup({ quiesce = false })
    sh("qemu-img compare -U %s %s/%s.vda.qcow2", machine.disk, result.directory, result.id)
    machine.guest:resume()
    workflow.verify(result.directory)
    assert.is_nil(result.warnings, where)
    return result
  end

  local function recover(where)
    for _ = 1, 20 do -- who thaws the guest after a kill recovers it as well
      local ok, e = pcall(guestlua.recover, machine.host)
      if ok then
        break
      end
      assert.equal("busy", e.kind, where .. ": " .. tostring(e))
      guestlua.sleep(0.5)
    end
    assert.same({}, guestlua.recover(machine.host), where)
    assert.equal(guestlua.power_state.RUNNING, machine.guest:get_power_state(), where)
  end

  -- Kills the script after each small file that it writes, and before and after each call that changes something.
  local function everywhere(script, check)
    local code, out, err, calls = run(script)
    assert.equal(0, code, err)
    check("not killed")
    local times, called = {}, {}
    for i, call in ipairs(calls) do
      called[i] = call.name
    end
    if script == BACKUP then -- nothing else while the guest's file systems stand still
      assert.matches("virDomainFSFreeze virDomainBackupBegin virDomainFSThaw", table.concat(called, " "), 1, true)
    end
    for k = 1, tonumber(out:match("%d+")) do
      assert.equal(128 + 9, (run(script, nil, { KILL_AFTER_WRITE = k })), "write " .. k)
      recover("write " .. k)
      check("write " .. k)
    end
    for _, call in ipairs(calls) do
      times[call.name] = (times[call.name] or 0) + 1
      if CHANGES[call.name] then
        local where = ("%s#%d"):format(call.name, times[call.name])
        assert.equal(128 + 9, (run(script, where .. ":kill:after")), where)
        recover(where)
        check(where)
      end
    end
  end

  it_("because it is killed, at each step, leaves nothing, and the next has everything", function()
    backup()
    everywhere(BACKUP, function(where)
      local list = workflow.backups(to .. "/tiny")
      assert.same({}, list.problems, where)
      if #machine.guest:get_checkpoint_names() > 1 then -- killed when it was whole: the next one tidies up
        assert.equal(2, #machine.guest:get_checkpoint_names(), where)
        check_next(where)
      end
      check_clean(where)
      check_next(where)
      check_clean(where)
    end)
  end)

  it_("in a restore that is killed leaves neither a guest nor a file, or both", function()
    backup()
    everywhere(RESTORE, function(where)
      local guest <close> = machine.host:guest("back")
      local files = sh("ls %s | grep ^back || :", machine.dir)
      assert.equal(guest and "back-vda.qcow2\n" or "", files, where)
      if guest then
        sh("qemu-img check -q -U %s/back-vda.qcow2", machine.dir)
        if guest:is_active() then
          guest:poweroff()
        end
        guest:delete_configuration()
        os.remove(machine.dir .. "/back-vda.qcow2")
      end
    end)
  end)

  it_("in a prune that is killed at each file leaves whole backups only, and the next prune ends the work", function()
    local ids = {}
    for i, level in ipairs({ "full", "auto", "full", "auto" }) do
      ids[i] = backup({ level = level }).id
    end
    sh("cp -a %s/tiny %s/original", to, machine.dir)
    local code, out, err = run(PRUNE)
    assert.equal(0, code, err)
    local count = tonumber(out:match("%d+%s+(%d+)"))
    assert.equal(2 * 2 * 4, count) -- manifest, image, checksums and configuration of two backups, each counted twice
    check_clean("not killed")
    for k = 1, count do
      local where = "removal " .. k
      sh("rm -rf %s/tiny && cp -a %s/original %s/tiny", to, machine.dir, to)
      assert.equal(128 + 9, (run(PRUNE, nil, { KILL_AT_REMOVAL = k })), where)
      recover(where)
      local list = workflow.backups(to .. "/tiny")
      assert.same({}, list.problems, where)
      assert.same({ ids[3], ids[4] }, { list[#list - 1].id, list[#list].id }, where)
      workflow.verify(to .. "/tiny", { all = true }) -- what has a manifest has its whole chain
      assert.is_nil(workflow.prune(machine.host, to .. "/tiny", { keep = { full = 1 } }).left, where)
      assert.equal(2, #workflow.backups(to .. "/tiny"), where)
      check_clean(where)
    end
    sh("rm -rf %s/original", machine.dir)
    check_next("prune")
  end)

  it_("because each call of libvirt's fails in turn leaves nothing", function()
    backup()
    local count = faults.each(CHILD:format(BACKUP), setmetatable({ only = { "virDomainBackupBegin", "virDomainFSFreeze", "virDomainFSThaw",
      "virDomainAbortJob", "virDomainBackupGetXMLDesc", "virDomainCheckpointDelete", "virDomainGetXMLDesc" } }, { __index = options() }),
      function(_, name, code, _, err)
        if code == 0 and #machine.guest:get_checkpoint_names() > 1 then -- there is one, and a warning
          check_next(name)
        end
        check_clean(name)
        local nothing_begun = err:find("step 'look'", 1, true) or err:find("step 'claim'", 1, true)
        assert.is_truthy(code == 0 or nothing_begun or err:find("outcome: undone", 1, true), err)
      end)
    assert.is_true(count > 5)
    check_next("in the end")
  end)

  -- Starts a slow backup, calls fn when it copies, and gives how it ended.
  local function in_the_middle(fn, scratch)
    local function lists()
      return sh("ls %s/tiny/*.vda.sums 2>/dev/null || :", to)
    end
    local before = lists()
    local child <close> = faults.start(CHILD:format(SLOWLY), options(nil, { SCRATCH = scratch }))
    local deadline = guestlua.now() + 120
    while lists() == before do
      assert.is_true(guestlua.now() < deadline)
      guestlua.sleep(0.05)
    end
    fn(child)
    return child:wait()
  end

  it_("because it has to stop leaves nothing", function()
    local code, _, err = in_the_middle(function(child)
      child:kill("TERM")
    end)
    assert.equal(128 + 15, code, err)
    check_clean("SIGTERM")
    check_next("SIGTERM")
  end)

  it_("because qemu-nbd dies leaves nothing, and says so", function()
    local code, out, err = in_the_middle(function(child)
      local pid = sh("pgrep -P %d qemu-nbd", child.pid)
      sh("kill -KILL %s", pid)
    end)
    assert.equal(1, code)
    assert.matches("step 'copy'", err)
    assert.matches("^nbd_error because of nil\n", out) -- the job went on: nobody has ended it
    check_clean("qemu-nbd")
    check_next("qemu-nbd")
  end)

  it_("because somebody ends its job leaves nothing, and is a conflict that says what was found", function()
    local code, out, err = in_the_middle(function()
      machine.guest:abort_job()
    end)
    assert.equal(1, code)
    assert.matches("^conflict because of %a+_error\n", out)
    assert.matches("somebody else has changed the guest: the backup job has ended before its time", err, 1, true)
    assert.matches("outcome: undone", err, 1, true)
    check_clean("abort")
    check_next("abort")
  end)

  it_("because libvirtd dies leaves nothing when that is back", function()
    local code, _, err = in_the_middle(function()
      machine:stop({ kill = true })
      guestlua.sleep(0.5)
      machine:start()
    end)
    recover("libvirtd")
    assert.is_truthy(code == 1 or code == 0, err)
    check_clean("libvirtd")
    check_next("libvirtd")
  end)

  it_("because QEMU dies leaves nothing, and the next is a full one, which says why", function()
    backup()
    local code, _, err = in_the_middle(function()
      sh("kill -KILL $(pgrep -P %d -f qemu-system)", tonumber(io.popen("cat " .. machine.root .. "/pid"):read("a")))
    end)
    assert.equal(1, code)
    assert.matches("outcome: undone", err)
    assert.same({}, guestlua.recover(machine.host))
    assert.equal("", leftovers())
    machine.guest:launch()
    guestlua.await_agent(machine.guest, { timeout = 180 })
    local e = helper.failure(machine.guest.backup_begin, machine.guest, ([[<domainbackup mode='pull'><incremental>%s</incremental>
      <server transport='unix' socket='%s/nbd'/></domainbackup>]]):format(machine.guest:get_checkpoint_names()[1], machine.root))
    assert.equal("checkpoint_inconsistent", e.kind, tostring(e))
    assert.matches("guestlua.workflow.backup does both", e.hint, 1, true)
    local result = check_next("QEMU")
    assert.matches("bitmap is missing or broken", result.disks[1].because)
    assert.equal("incremental", check_next("QEMU").level_used)
    check_clean("QEMU")
  end)

  it_("because there is no room leaves nothing", function()
    local full = machine.root .. "/small"
    sh("mkdir %s && mount -t tmpfs -o size=6m tmpfs %s", full, full)
    local unmounted <close> = setmetatable({}, { __close = function() os.execute("umount -l " .. full) end }) -- luacheck: ignore unmounted
    machine:sh("dd if=/dev/urandom of=/data/more bs=64k count=96 2>/dev/null; sync")
    local e = helper.failure(workflow.backup, machine.guest, { to = full })
    assert.equal("no_space", e.kind, e.message)
    assert.matches("undone", e.outcome)
    assert.same({}, machine.guest:get_checkpoint_names())
    assert.equal("target\n", sh("ls %s/tiny", full))
    check_next("no room")
  end)

  it_("because it is killed while its guest is paused for want of scratch space leaves a guest that runs", function()
    machine:sh("dd if=/dev/urandom of=/data/big bs=64k count=96 2>/dev/null; sync")
    in_the_middle(function(child)
      child:kill("KILL")
      pcall(machine.sh, machine, "dd if=/dev/urandom of=/data/big bs=64k count=96 conv=notrunc 2>/dev/null; sync")
      local deadline = guestlua.now() + 120
      while machine.guest:get_info().domain_state ~= "paused" do
        assert.is_true(guestlua.now() < deadline, "the guest is not paused")
        guestlua.sleep(0.1)
      end
    end, small.path)
    recover("no scratch space")
    assert.equal("running", machine.guest:get_info().domain_state)
    machine:sh("sync; echo on >/data/word; sync")
    check_clean("no scratch space")
    assert.equal("", sh("ls %s", small.path))
    check_next("no scratch space")
  end)
end)
