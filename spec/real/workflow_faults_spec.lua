-- Every call of libvirt's that a workflow makes fails once, and the daemon dies, and the user has had enough: each time the script says which step it
-- was at, and the guest is as it was.

local guestlua = require("guestlua")
local faults = require("spec.support.faults")
local helper = require("spec.support.helper")

local CHILD = [[
  local host <close> = guestlua.open()
  local guest = host:guest("tiny")
  local workflow = guestlua.workflow
  local dir = ...
  io.stderr:write("begin\n")
  %s
]]

local COMMIT = 'workflow.snapshot_then_commit(guest, { quiesce = true })'
local COPY = 'workflow.live_snapshot(guest, "vda", dir .. "/copy", { quiesce = true })'
local SWAP = [[workflow.swap_volume(guest, "vda", ("<disk type='file'><driver type='qcow2'/><source file='%s/volume'/></disk>"):format(dir),
  { resize_to = 64 * 2 ^ 20 | 0 })]]
local CREATE = 'workflow.volume_snapshot_create(guest, "vda", { new_file = "snap" })'
local DELETE = 'workflow.volume_snapshot_delete(guest, "vda", {})'
local REVERT = 'workflow.snapshot_revert(guest, { name = "s", force = true })'
local FORGET = 'workflow.snapshot_delete(guest, { name = "s" })'
local DISK = "<disk type='file'><source file='%s/device'/><target dev='vdb' bus='virtio'/><alias name='ua-mine'/></disk>"
local ATTACH = ('workflow.attach_with_retry(guest, ("%s"):format(dir), { pause = 0.01 })'):format(DISK)
local DETACH = 'workflow.detach_with_retry(guest, "vdb")'

describe("A workflow", function()
  local machine, on_daemon = faults.machine({ journal = "state/guestlua/journal", whole = function(machine)
    return #machine:chain() == 1 and machine:chain()[1] == machine.disk and not machine.guest:get_disk("vdb")
  end })

  local function options(more)
    local all = { uri = machine.uri, args = { machine.dir }, env = { XDG_STATE_HOME = machine.root .. "/state" } }
    for key, value in pairs(more or {}) do
      all[key] = value
    end
    return all
  end

  local function element(inactive)
    return guestlua.element(machine.guest:get_xml_desc({ dump_inactive = inactive })).devices
  end

  -- The guest runs with these images, from its configuration too; nothing is frozen, no job and no journal is left.
  local function is_whole(where, images)
    assert.same(images, machine:chain(), where)
    assert.equal(images[1], element(true).disk.source.file, where)
    assert.equal(guestlua.power_state.RUNNING, machine.guest:get_power_state(), where)
    assert.is_nil(machine.guest:get_block_device("vda"):get_job_info(), where)
    assert.matches('"thawed"', machine.guest:agent_command('{"execute":"guest-fsfreeze-status"}'), where)
    assert.same({}, guestlua.recover(machine.host), where)
  end

  local function sh(command)
    assert(os.execute(("cd %s && %s"):format(machine.dir, command)))
  end

  -- A run with a fault ends well or names its step; check(done, where): what is so then, done: whether it ended well.
  local function judge(where, code, err, check)
    local begun = err:find("^begin\n") ~= nil
    if code ~= 0 then
      assert.equal(1, code, where .. ": " .. err)
      assert.equal(begun, err:find("%l_%l+: step '%l+'") ~= nil, where .. ": " .. err)
    end
    check(code == 0, ("%s: %s"):format(where, err))
  end

  -- Once for each call, which is not made; and for each that changes something once more: it is made, and its answer is lost.
  local CHANGES = { "virDomainSnapshotCreateXML", "virDomainBlockCommit", "virDomainBlockRebase", "virDomainBlockCopy", "virDomainBlockJobAbort",
    "virDomainBlockResize", "virDomainFSFreeze", "virDomainFSThaw", "virDomainAttachDeviceFlags", "virDomainDetachDeviceFlags",
    "virDomainSnapshotDelete", "virDomainDestroy", "virDomainDefineXML", "virDomainCreateWithFlags" }

  local function each(script, before, check)
    local function go(what, only)
      faults.each(CHILD:format(script), options({ what = what, only = only, before = before }), function(k, name, code, _, err)
        judge(("%s, call %d, %s"):format(name, k, what), code, err, check)
      end)
    end
    go("internal_error", "^virDomain")
    go("internal_error:after", CHANGES)
  end

  local function nothing() end

  on_daemon("that merges overlays back does so whatever fails", function()
    each(COMMIT, nothing, function(_, where)
      is_whole(where, { machine.disk })
    end)
  end)

  on_daemon("that copies a disk leaves a whole copy or none", function()
    local copy = machine.dir .. "/copy"
    each(COPY, function() os.remove(copy) end, function(done, where)
      is_whole(where, { machine.disk })
      local file <close> = io.open(copy)
      assert.equal(done, file ~= nil, where)
    end)
  end)

  on_daemon("that moves a disk leaves it on one volume", function()
    local here, there = machine.disk, machine.dir .. "/volume"
    each(SWAP, function()
      if machine:chain()[1] ~= here then -- back, or the next run has nowhere to go
        os.remove(here)
        guestlua.workflow.swap_volume(machine.guest, "vda", ("<disk type='file'><driver type='qcow2'/><source file='%s'/></disk>"):format(here))
      end
      os.remove(there) -- what could not be removed was named
    end, function(done, where)
      local moved = machine:chain()[1] == there
      assert.is_true(moved or not done, where)
      local file <close> = not moved and io.open(there) or nil
      assert.is_true(not file or where:find("left: " .. there, 1, true) ~= nil, where)
      is_whole(where, { moved and there or here })
    end)
  end)

  on_daemon("that takes a volume's snapshot takes it or not", function()
    local snap = machine.dir .. "/snap"
    each(CREATE, function()
      if #machine:chain() > 1 then
        local disk = machine.guest:get_block_device("vda")
        disk:commit(nil, nil, { active = true })
        assert.equal("ready", (disk:await_job({ timeout = 120 })))
        disk:abort_job({ pivot = true })
      end
      sh("rm -f snap; qemu-img create -q -f qcow2 -b disk.qcow2 -F qcow2 snap")
    end, function(done, where)
      local taken = machine:chain()[1] == snap
      assert.is_true(taken or not done, where)
      is_whole(where, taken and { snap, machine.disk } or { machine.disk })
    end)
  end)

  on_daemon("that deletes a volume's snapshot leaves a chain that is whole", function()
    local n, base = 0, nil
    each(DELETE, function()
      base = machine:chain()[1]
      if #machine:chain() == 1 then
        n = n + 1
        machine.guest:snapshot(guestlua.element("domainsnapshot", { disks = { disk = {
          name = "vda", snapshot = "external", source = { file = machine.dir .. "/top" .. n },
        } } }), { disk_only = true, no_metadata = true })
      else
        base = machine:chain()[2]
      end
    end, function(done, where)
      local images = { machine.dir .. "/top" .. n, base }
      if done or #machine:chain() == 1 then
        images[2] = nil
      end
      is_whole(where, images)
    end)
  end)

  -- There is a snapshot, and the guest says what it has on its disk: a word from before the snapshot, or a later one.
  local function with_snapshot()
    guestlua.await_agent(machine.guest, { timeout = 120 })
    if #machine.guest:get_snapshot_names() == 0 then
      machine:sh("echo then >/data/word; sync")
      machine.guest:snapshot("<domainsnapshot><name>s</name></domainsnapshot>", { disk_only = true })
    end
    machine:sh("echo now >/data/word; sync")
  end

  -- The files of images that there are, besides those of the chain.
  local function others()
    local list = {}
    for _, name in ipairs(require("guestlua.core").list_directory(machine.dir)) do
      local used = name:find("%.log$")
      for _, image in ipairs(machine:chain()) do
        used = used or image == machine.dir .. "/" .. name
      end
      list[#list + 1] = not used and name or nil
    end
    return list
  end

  on_daemon("that deletes a snapshot has it merged, or has it still", function()
    each(FORGET, with_snapshot, function(done, where)
      local names = machine.guest:get_snapshot_names()
      assert.is_true(#names == 0 or not done, where)
      is_whole(where, #names == 0 and { machine.disk } or { machine.dir .. "/disk.s", machine.disk })
      assert.equal("now", machine:sh("echo 3 >/proc/sys/vm/drop_caches; cat /data/word"), where)
      if #others() > 0 then -- it could not be removed, and was named
        assert.matches("left: " .. machine.dir .. "/" .. others()[1], where, 1, true)
        os.remove(machine.dir .. "/" .. others()[1])
      end
    end)
    with_snapshot()
    guestlua.workflow.snapshot_delete(machine.guest, { name = "s" })
  end)

  on_daemon("that reverts to a snapshot has the guest as it was then, or as it is", function()
    each(REVERT, with_snapshot, function(done, where)
      guestlua.await_agent(machine.guest, { timeout = 120 })
      local reverted = machine:sh("cat /data/word") == "then"
      assert.is_true(reverted or not done, where)
      assert.equal(reverted, done or where:find("outcome: finished", 1, true) ~= nil, where)
      is_whole(where, { machine:chain()[1], machine.disk })
      for _, name in ipairs(others()) do
        assert.matches("left: " .. machine.dir .. "/" .. name, where, 1, true)
        os.remove(machine.dir .. "/" .. name)
      end
    end)
    guestlua.workflow.snapshot_delete(machine.guest, { name = "s" })
  end)

  on_daemon("that attaches and detaches a device does both or neither", function()
    sh("truncate -s 1M device")
    local function has()
      return machine.guest:get_disk("vdb") ~= nil, machine.guest:get_disk("vdb", { from_persistent_config = true }) ~= nil
    end
    local function attach()
      guestlua.workflow.ensure_attached(machine.guest, DISK:format(machine.dir))
      machine:sh("until [ -e /dev/vdb ]; do sleep 0.02; done")
    end
    each(ATTACH, function() guestlua.workflow.ensure_detached(machine.guest, DISK:format(machine.dir)) end, function(done, where)
      is_whole(where, { machine.disk })
      assert.same({ done, done }, { has() }, where)
    end)
    each(DETACH, attach, function(done, where)
      is_whole(where, { machine.disk })
      local live, persistent = has()
      assert.is_true(live or not persistent, where) -- the configuration comes first
      assert.is_true(not live or not done, where)
    end)
  end)

  -- ---- the daemon dies ----

  -- The daemon is killed right after it has done what the call asks for, or before, and is started again.
  local function without_daemon(script, call)
    local child <close> = faults.start(CHILD:format(script), options({ fault = ("%s:kill=%d:after"):format(call, machine.pid) }))
    helper.await(function() return not io.open(("/proc/%d/root/"):format(machine.pid)) end)
    machine:restart({ kill = true })
    local code, _, err = child:wait()
    return code, err, ("the daemon killed at %s: %s"):format(call, err)
  end

  on_daemon("finds its way back to a daemon that was killed", function()
    for script, calls in pairs({
      [COMMIT] = { "virDomainSnapshotCreateXML#1", "virDomainBlockCommit#1", "virDomainBlockJobAbort#1" },
      [COPY] = { "virDomainBlockCopy#1", "virDomainFSFreeze#1", "virDomainBlockJobAbort#1" },
      [SWAP] = { "virDomainBlockCopy#1" },
    }) do
      for _, call in ipairs(calls) do
        local code, err, where = without_daemon(script, call)
        judge(where, code, err, nothing)
        is_whole(where, { machine.disk })
        os.remove(machine.dir .. "/copy")
      end
    end
    local _, err, where = without_daemon(SWAP, "virDomainBlockJobAbort#1")
    assert.matches("outcome: finished: the guest has moved to ", err)
    is_whole(where, { machine.dir .. "/volume" })
    sh("qemu-img create -q -f qcow2 -b volume -F qcow2 snap; truncate -s 1M device")
    _, err, where = without_daemon(CREATE, "virDomainSnapshotCreateXML#1")
    assert.matches("outcome: the snapshot was taken", err)
    is_whole(where, { machine.dir .. "/snap", machine.dir .. "/volume" })
    local code
    code, err, where = without_daemon(DELETE, "virDomainBlockRebase#1")
    judge(where, code, err, function()
      is_whole(where, #machine:chain() > 1 and { machine.dir .. "/snap", machine.dir .. "/volume" } or { machine.dir .. "/snap" })
    end)
    code, err, where = without_daemon(ATTACH, "virDomainAttachDeviceFlags#1")
    judge(where, code, err, function(done)
      assert.equal(done, machine.guest:get_disk("vdb") ~= nil, where)
    end)
  end)

  -- ---- the user has had enough ----

  local function interrupted(script, signal, begun, more)
    local child <close> = faults.start(CHILD:format(script), options(more))
    helper.await(function() return begun(child) end)
    child:kill(signal)
    local code, _, err = child:wait()
    assert.equal(signal == "INT" and 130 or 143, code, script .. ": " .. err)
    return err
  end

  local function has_job()
    local job = machine.guest:get_block_device("vda"):get_job_info()
    return job and job.cur > 0
  end

  -- Until the child is in that call.
  local function calls(name, n)
    return function(child)
      for _, call in ipairs(child:calls()) do
        n = n - (call.name == name and 1 or 0)
      end
      return n <= 0
    end
  end

  on_daemon("is undone by Ctrl-C and by SIGTERM", function()
    local slow = "{ bandwidth = 1 }"
    machine:sh("dd if=/dev/urandom of=/data/x bs=1M count=8; sync")
    local err = interrupted(COMMIT:gsub("quiesce = true", "during = function() guestlua.sleep(600) end"), "INT",
      function() return #machine:chain() > 1 end)
    assert.matches("step 'during'", err)
    is_whole("during", { machine.disk })
    interrupted("workflow.snapshot_then_commit(guest, { bandwidth = 1, during = function() "
      .. "guest:exec('/bin/sh', { args = { '-c', 'dd if=/dev/urandom of=/data/y bs=1M count=4; sync' } }) end })", "TERM", has_job)
    is_whole("commit", { machine.disk })
    interrupted(COMMIT, "INT", calls("virDomainSnapshotCreateXML", 1), { fault = "virDomainSnapshotCreateXML#1:hang=1" })
    is_whole("snapshot", { machine.disk })
    interrupted(COPY:gsub("{.*}", slow), "INT", has_job)
    is_whole("copy", { machine.disk })
    assert.is_nil(io.open(machine.dir .. "/copy"))
    interrupted(SWAP:gsub("resize_to", "bandwidth = 1, resize_to"), "TERM", has_job)
    is_whole("swap", { machine.disk })
    sh("qemu-img create -q -f qcow2 -b disk.qcow2 -F qcow2 snap; truncate -s 1M device")
    err = interrupted(CREATE, "TERM", calls("virDomainSnapshotCreateXML", 1), { fault = "virDomainSnapshotCreateXML#1:hang=1" })
    assert.matches("outcome: the snapshot was taken", err)
    is_whole("snapshot of a volume", { machine.dir .. "/snap", machine.disk })
    interrupted(DELETE:gsub("{}", slow), "INT", has_job)
    is_whole("merge", { machine.dir .. "/snap", machine.disk })
    interrupted(ATTACH, "INT", calls("virDomainAttachDeviceFlags", 1), { fault = "virDomainAttachDeviceFlags#1:hang=1" })
    assert.is_nil(machine.guest:get_disk("vdb"))
  end)
end)
