-- Workflows that are killed: guestlua.recover finds what they left. A guest writes all the while, and what it had confirmed is there afterwards.

local guestlua = require("guestlua")
local after_write = require("spec.support.after_write")
local faults = require("spec.support.faults")
local helper = require("spec.support.helper")
local reverted = require("spec.support.reverted")

-- What the child does: the workflow, with its journal, and SIGKILL right after the journal has been written so many times.
local CHILD = after_write .. [[
  local host <close> = guestlua.open()
  local guest = host:guest("tiny")
  local workflow = guestlua.workflow
  local dir, number = ...
  %s
  print(writes)
]]

local UNDONE = "undone: the disks have the images they had, with all that the guest wrote"
local ROLLED_BACK = "rolled back: the guest was started again as it was at the snapshot"

local COMMIT = 'workflow.snapshot_then_commit(guest, { quiesce = true, during = function() guestlua.sleep(0.3) end })'
local ROLLBACK = 'pcall(workflow.snapshot_then_commit, guest, { on_failure = "rollback", during = function() error("no") end })'
local COPY = 'workflow.live_snapshot(guest, "vda", dir .. "/copy" .. number, { quiesce = true })'
local SWAP = [[
  workflow.swap_volume(guest, "vda", ("<disk type='file'><driver type='qcow2'/><source file='%s/volume%s'/></disk>"):format(dir, number))
]]
local CREATE = [[
  os.execute(("cd %s && qemu-img create -q -f qcow2 -b $(basename %s) -F qcow2 snap%s"):format(dir, guest:get_disk("vda").source.file, number))
  workflow.volume_snapshot_create(guest, "vda", { new_file = "snap" .. number })
]]
local PULL = [[
  guest:snapshot(guestlua.element("domainsnapshot", { disks = { disk = { name = "vda", snapshot = "external",
    source = { file = dir .. "/pulled" .. number } } } }), { disk_only = true, no_metadata = true })
  workflow.volume_snapshot_delete(guest, "vda", {})
]]
local SNAPSHOT = [[
  local function sh(command) assert(guest:exec("/bin/sh", { args = { "-c", command } }) == 0) end
  guestlua.await_agent(guest, { timeout = 120 })
  if #guest:get_snapshot_names() == 0 then
    sh("echo then >/data/word; sync")
    guest:snapshot("<domainsnapshot><name>s</name></domainsnapshot>", { disk_only = true })
  end
  sh("echo now >/data/word; sync")
]]
local REVERT = 'workflow.snapshot_revert(guest, { name = "s", force = true })'
local FORGET = SNAPSHOT .. 'workflow.snapshot_delete(guest, { name = "s" })'
local DEVICE = [[
  os.execute("truncate -s 1M " .. dir .. "/device")
  local device = ("<disk type='file'><source file='%s/device'/><target dev='vdb' bus='virtio'/><alias name='ua-mine'/></disk>"):format(dir)
  workflow.ensure_detached(guest, device)
  workflow.attach_with_retry(guest, device)
  guest:exec("/bin/sh", { args = { "-c", "until [ -e /dev/vdb ]; do sleep 0.05; done" } })
  workflow.detach_with_retry(guest, "vdb")
]]

local CHANGES = {
  virDomainSnapshotCreateXML = true, virDomainBlockCommit = true, virDomainBlockRebase = true, virDomainBlockCopy = true,
  virDomainBlockJobAbort = true, virDomainFSFreeze = true, virDomainFSThaw = true, virDomainUndefineFlags = true, virDomainDefineXML = true,
  virDomainAttachDeviceFlags = true, virDomainDetachDeviceFlags = true, virDomainSetMetadata = true,
  virDomainSnapshotDelete = true, virDomainDestroy = true, virDomainCreateWithFlags = true,
}

describe("A run that is killed", function()
  local number = 0

  local machine, kills = faults.machine({ journal = "state/guestlua/journal", whole = function(machine)
    local answers = pcall(machine.guest.agent_command, machine.guest, '{"execute":"guest-ping"}')
    return answers and machine:chain()[1] == machine.disk
  end })

  local function run(script, options)
    number = number + 1
    options = options or {}
    options.uri, options.args, options.env = machine.uri, { machine.dir, number }, options.env or {}
    options.env.XDG_STATE_HOME = machine.root .. "/state"
    return faults.run(CHILD:format(script), options)
  end

  -- In the guest: files, and outside of the disk which of them are surely written.
  local function start_writing()
    machine:sh([[
      [ -e /tmp/confirmed ] || (while :; do
        i=$((i + 1))
        dd if=/dev/urandom of=/data/w$i bs=8k count=1 2>/dev/null && sync && sha256sum /data/w$i >>/tmp/confirmed
        sleep 0.2
      done) >/dev/null 2>&1 &
      until [ -s /tmp/confirmed ]; do sleep 0.05; done]])
  end

  -- All that was confirmed is there, read from the disk, and the guest still writes.
  local function check_data()
    machine:sh([[
      n=$(wc -l </tmp/confirmed)
      until [ $(wc -l </tmp/confirmed) -gt $n ]; do sleep 0.05; done
      echo 3 >/proc/sys/vm/drop_caches
      head -n -1 /tmp/confirmed >/tmp/c && sha256sum -c /tmp/c >/dev/null]])
  end

  local function configuration()
    return machine.guest:get_xml_desc({ dump_inactive = true, dump_sensitive = true })
  end

  -- Recovers, twice: the guest is whole. Gives what was done the first time, unless the process that thaws a killed run's guest was first.
  local function recover(where)
    local ok, results = pcall(guestlua.recover, machine.host)
    assert.is_true(ok, where .. ": " .. tostring(results))
    helper.await(function() return #require("guestlua.workflow.recover").list() == 0 end, where)
    assert.same({}, guestlua.recover(machine.host), where)
    assert.equal(guestlua.power_state.RUNNING, machine.guest:get_power_state(), where)
    assert.is_true(machine.guest:has_persistent_configuration(), where)
    assert.is_nil(machine.guest:get_block_device("vda"):get_job_info(), where)
    return results
  end

  -- Kills the script after each write of its journal, and after each call that changes something. check(results, where): what should be so then.
  -- prepare: runs before each, if it is given.
  local function everywhere(script, check, prepare)
    local function run_prepared(options)
      if prepare then
        prepare(machine)
      end
      return run(script, options)
    end
    local code, out, err, calls = run_prepared()
    assert.equal(0, code, err)
    check({}, "not killed")
    local times = {}
    for k = 1, tonumber(out:match("%d+")) do
      local where = "write " .. k
      code = run_prepared({ env = { KILL_AFTER_WRITE = k } })
      assert.equal(128 + 9, code, where)
      check(recover(where), where)
    end
    for _, call in ipairs(calls) do
      times[call.name] = (times[call.name] or 0) + 1
      if CHANGES[call.name] then
        local where = ("%s#%d"):format(call.name, times[call.name])
        code = run_prepared({ fault = where .. ":kill:after" })
        assert.equal(128 + 9, code, where)
        check(recover(where), where)
      end
    end
  end

  local function is_single(where)
    assert.equal(1, #machine:chain(), where)
    assert.equal(machine:chain()[1], guestlua.element(configuration()).devices.disk.source.file, where)
  end

  kills("while overlays are on its disks leaves one image and all that the guest wrote", function()
    local before = configuration()
    start_writing()
    everywhere(COMMIT, function(_, where)
      is_single(where)
      check_data()
    end)
    assert.same({ machine.disk }, machine:chain())
    assert.equal(before, configuration())
    assert.equal("disk.qcow2\n", machine.dir and io.popen("cd " .. machine.dir .. " && ls *.guestlua* disk.qcow2 2>/dev/null"):read("a"))
  end)

  kills("while a disk is copied leaves no half copy, and nothing frozen", function()
    start_writing()
    everywhere(COPY, function(results, where)
      is_single(where)
      check_data()
      local file <close> = io.open(("%s/copy%d"):format(machine.dir, number))
      local whole = where == "not killed" or where == "virDomainSetMetadata#2" -- it was over: nothing is to be recovered
      assert.is_true(#results == 0 or not (whole or where == "virDomainSetMetadata#1"), where)
      assert.equal(whole, file ~= nil, where)
    end)
    assert.same({ machine.disk }, machine:chain())
  end)

  kills("while a disk moves leaves it in one place", function()
    start_writing()
    everywhere(SWAP, function(_, where)
      is_single(where)
      check_data()
    end)
    -- and where libvirt does not see to the configuration
    local before = configuration()
    run(SWAP, { fault = "virDomainBlockJobAbort#1:kill:after" })
    machine.host:write_instance_config(before):close()
    assert.not_equal(machine.chain(machine)[1], guestlua.element(configuration()).devices.disk.source.file)
    assert.matches("^finished: the guest has moved to ", recover("its configuration is old")[1].outcome)
    is_single("its configuration is old")
  end)

  kills("while a volume's snapshots come and go leaves a chain that is whole", function()
    start_writing()
    everywhere(CREATE, function(_, where)
      check_data()
      if #machine:chain() > 1 then -- it was taken; back to one image
        local disk = machine.guest:get_block_device("vda")
        disk:rebase()
        assert.equal("completed", (disk:await_job({ timeout = 120 })), where)
      end
    end)
    everywhere(PULL, function(_, where)
      check_data()
      if #machine:chain() > 1 then
        guestlua.workflow.volume_snapshot_delete(machine.guest, "vda", {})
      end
      is_single(where)
    end)
  end)

  -- The files besides the chain's; each was named.
  local function check_files(results, where)
    local known = { ["console.log"] = true }
    for _, image in ipairs(machine:chain()) do
      known[image:match("[^/]*$")] = true
    end
    for _, one in ipairs(results[1] and results[1].left or {}) do
      known[one.path:match("[^/]*$")] = true
    end
    for _, name in ipairs(require("guestlua.core").list_directory(machine.dir)) do
      assert.is_true(known[name], ("%s: %s is left, and nobody says so"):format(where, name))
    end
  end

  kills("while a snapshot is deleted has it merged, or has it still", function()
    everywhere(FORGET, function(results, where)
      local names = machine.guest:get_snapshot_names()
      assert.equal(#names + 1, #machine:chain(), where)
      assert.equal(machine:chain()[1], guestlua.element(configuration()).devices.disk.source.file, where)
      local taken = where == "virDomainSnapshotCreateXML#1" -- and nothing more
      assert.equal(taken and "then" or "now", machine:sh("echo 3 >/proc/sys/vm/drop_caches; cat /data/word"), where)
      check_files(results, where)
    end)
  end)

  kills("while a guest is reverted has it as it was then, or as it was before", function()
    everywhere(REVERT, function(results, where)
      local outcome = results[1] and results[1].outcome or where == "virDomainSetMetadata#1" and "undone" or "finished"
      assert.equal(outcome:find("^finished") and "then" or "now", reverted.word(machine), where .. ": " .. outcome)
      assert.same({ "s" }, machine.guest:get_snapshot_names(), where)
      assert.equal(2, #machine:chain(), where)
      check_files(results, where)
    end, reverted.prepare)
    guestlua.await_agent(machine.guest, { timeout = 120 })
    guestlua.workflow.snapshot_delete(machine.guest, { name = "s" })
    assert.same({ machine.disk }, machine:chain())
  end)

  kills("while a device comes and goes leaves it in both places or in none", function()
    everywhere(DEVICE, function(_, where)
      local live = machine.guest:get_disk("vdb") ~= nil
      assert.equal(live, machine.guest:get_disk("vdb", { from_persistent_config = true }) ~= nil, where)
    end)
  end)

  kills("while a guest is rolled back leaves it as it was at the snapshot", function()
    local before = configuration()
    machine:sh("echo old >/data/old; sync")
    assert.equal(128 + 9, (run(ROLLBACK, { env = { KILL_AFTER_WRITE = 3 } })))
    assert.equal(ROLLED_BACK, recover("before it was powered off")[1].outcome)
    assert.equal(128 + 9, (run(ROLLBACK, { fault = "virDomainDestroy#1:kill:after" })))
    local events <close> = machine.guest:subscribe("agent_lifecycle")
    assert.equal(ROLLED_BACK, recover("when it was powered off")[1].outcome)
    assert.same({ machine.disk }, machine:chain())
    assert.equal(before, configuration())
    machine:await_agent(events)
    assert.equal("old", machine:sh("cat /data/old"))
  end)

  kills("and has its guest powered off waits until it runs again", function()
    run(COMMIT, { fault = "virDomainBlockCommit#1:kill" })
    assert.equal(2, #machine:chain())
    machine.guest:poweroff()
    local e = helper.failure(guestlua.recover, machine.host)
    assert.same({ "operation_invalid", "vda" }, { e.kind, e.device })
    assert.same({ "snapshot_then_commit", "commit" }, { e.results[1].workflow, e.results[1].step })
    machine.guest:launch()
    assert.equal(UNDONE, recover("when it runs")[1].outcome)
    is_single("when it runs")
  end)

  kills("is no other's business", function()
    local child <close> = faults.start(CHILD:format(
      "workflow.snapshot_then_commit(guest, { during = function() print('during') io.stdout:flush() guestlua.sleep(600) end })"),
      { uri = machine.uri, env = { XDG_STATE_HOME = machine.root .. "/state" } })
    helper.await(function() return #machine:chain() > 1 end)
    assert.same({}, guestlua.recover(machine.host)) -- while it lives
    assert.equal(2, #machine:chain())
    do
      local other <close> = guestlua.open("test:///default")
      child:kill()
      child:wait()
      assert.same({}, guestlua.recover(other)) -- another host
    end
    assert.equal(UNDONE, guestlua.recover(machine.host)[1].outcome)
    assert.same({ machine.disk }, machine:chain())
  end)

  kills("is recovered over a connection that is lost and opened again", function()
    run(COMMIT, { fault = "virDomainBlockCommit#1:kill" })
    assert.equal(2, #machine:chain())
    local task = guestlua.spawn(guestlua.recover, machine.host)
    local host, guest = machine.host, machine.guest
    machine.host, machine.guest = nil, nil -- stop and start make their own
    machine:stop({ kill = true })
    machine:start()
    assert.equal(UNDONE, task:wait()[1].outcome)
    guest:close()
    host:close()
    assert.same({ machine.disk }, machine:chain())
  end)
end)
