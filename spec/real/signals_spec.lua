-- Signals at any moment of any workflow: the exit code is 128 and the signal's number, and the guest is as it was: nothing frozen, no job, no file,
-- no mark and no journal. SIGKILL leaves a frozen guest to the watchdog.

local core = require("guestlua.core")
local faults = require("spec.support.faults")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

-- So many signals a workflow, each day at other moments; SIGNALS=100 for a longer run.
local SIGNALS = tonumber(os.getenv("SIGNALS") or 1)

local NUMBER = { HUP = 1, INT = 2, TERM = 15 }

local CHILD = [[
  local host <close> = guestlua.open()
  local guest = host:guest("tiny")
  local workflow, dir = guestlua.workflow, ...
  local DISK = ("<disk type='file'><source file='%s/device'/><target dev='vdb' bus='virtio'/></disk>"):format(dir)
  local VOLUME = ("<disk type='file'><driver type='qcow2'/><source file='%s/volume'/></disk>"):format(dir)
  io.stdout:write("go\n"):flush()
]]

-- Whether all of the script was done: a signal may still come while it ends.
local function was_over(code, err)
  return code == 0 or err == "" or err:find("outcome: finished: every step was done", 1, true) ~= nil
end

local function has_new(machine)
  return machine:chain()[1] == machine.dir .. "/new"
end

-- The image of volume_snapshot_create is the caller's: it is there before, and is merged away again.
local function pull_new(machine)
  if has_new(machine) then
    local disk = machine.guest:get_block_device("vda")
    disk:rebase()
    assert(disk:await_job({ timeout = 60 }) == "completed")
    return "moved" -- the guest writes to it
  end
  assert(os.remove(machine.dir .. "/new"))
end

local function take_snapshot(machine)
  machine.guest:snapshot("<domainsnapshot><name>s</name></domainsnapshot>", { disk_only = true })
end

-- The guest is on or off, as it is said.
local function switched(machine, code, err, out)
  local word = machine.guest:get_info().domain_state
  local said = err:match("outcome: the guest is '(%l+)'")
  local may_change = err:find("and may do so yet", 1, true)
  assert(not said or said == word or may_change, ("it is '%s'"):format(word))
  assert(said or out:find(word == "running" and "on$" or "off$") or not err:find("outcome", 1, true) or was_over(code, err), word)
  if may_change then
    local events <close> = machine.guest:subscribe("lifecycle")
    local deadline = guestlua.now() + 60 -- it was just asked
    while machine.guest:is_active() and guestlua.now() < deadline do
      events:next(1)
    end
  end
  if not machine.guest:is_active() then
    machine.guest:launch()
  end
  return "booted"
end

-- Each leaves the guest as it was, also if it succeeds, or `settle` sees to that, which may say why it is another one by now.
local WORKFLOWS = {
  { "snapshot_then_commit", "workflow.snapshot_then_commit(guest, { quiesce = true, during = function() guestlua.sleep(0.3) end })" },
  { "live_snapshot", "workflow.live_snapshot(guest, 'vda', dir .. '/copy', { quiesce = true, bandwidth = 20 })",
    settle = function(machine, code, err)
      if was_over(code, err) then
        assert(os.remove(machine.dir .. "/copy"))
      end
    end },
  { "swap_volume", "workflow.swap_volume(guest, 'vda', VOLUME, { bandwidth = 20 })",
    settle = function(machine, code, err)
      if machine:chain()[1] == machine.dir .. "/volume" then
        assert(was_over(code, err) or err:find("outcome: finished: the guest has moved", 1, true), err)
        return "moved"
      end
    end },
  { "volume_snapshot_create", "workflow.volume_snapshot_create(guest, 'vda', { new_file = dir .. '/new', quiesce = true })",
    before = function(machine)
      assert(os.execute(("cd %s && qemu-img create -q -f qcow2 -b disk.qcow2 -F qcow2 new"):format(machine.dir)))
    end,
    settle = function(machine, code, err)
      local is_said = was_over(code, err) or err:find("outcome: the snapshot was taken", 1, true) ~= nil
      assert(has_new(machine) == is_said, err)
      return pull_new(machine)
    end },
  { "volume_snapshot_delete", "workflow.volume_snapshot_delete(guest, 'vda', {})",
    before = function(machine)
      machine.guest:snapshot(guestlua.element("domainsnapshot", { disks = { disk = { name = "vda", snapshot = "external",
        source = { file = machine.dir .. "/new" } } } }), { disk_only = true, no_metadata = true })
    end,
    settle = function(machine, code, err)
      local is_over = #machine:chain() == 1
      assert(is_over or code ~= 0, err)
      assert(not is_over or was_over(code, err) or err:find("outcome: finished", 1, true), err)
      return "moved" -- it writes to `new`
    end },
  { "snapshot_revert", "workflow.snapshot_revert(guest, { name = 's', force = true })", before = take_snapshot,
    settle = function(machine, code, err)
      assert(machine.guest:is_active(), err)
      local reverted = machine:chain()[1] ~= machine.dir .. "/disk.s"
      assert(reverted == (was_over(code, err) or err:find("outcome: finished: the guest is as it was", 1, true) ~= nil), err)
      return "booted"
    end },
  { "snapshot_delete", "workflow.snapshot_delete(guest, { name = 's' })", before = take_snapshot,
    settle = function(machine, code, err)
      local is_over = #machine.guest:get_snapshot_names() == 0
      assert(#machine:chain() == (is_over and 1 or 2), err)
      assert(is_over == (was_over(code, err) or err:find("outcome: finished: the snapshots are deleted", 1, true) ~= nil), err)
      return "moved"
    end },
  { "attach_with_retry and detach_with_retry", "workflow.attach_with_retry(guest, DISK) workflow.detach_with_retry(guest, 'vdb')",
    settle = function(machine, code, err)
      if machine.guest:get_disk("vdb") then -- attach_with_retry was over; a detach that has to stop may say so before it has begun
        assert(was_over(code, err) or err:find("detach_with_retry: ", 1, true), err)
        guestlua.workflow.detach_with_retry(machine.guest, "vdb")
      end
    end },
  { "suspend and resume", "workflow.suspend(guest, {}) io.stdout:write('saved') workflow.resume(guest)",
    settle = function(machine, code, err, out)
      if not machine.guest:is_active() then
        assert(was_over(code, err) or out:find("saved", 1, true) or err:find("its memory saved", 1, true), err)
        guestlua.workflow.resume(machine.guest)
      elseif machine.guest:get_info().domain_state == "paused" then -- resume had to stop
        assert(err:find("resume: ", 1, true), err)
        machine.guest:resume()
      end
      machine.guest:agent_command('{"execute":"guest-ping"}', { timeout = 60 })
    end },
  { "reboot", "workflow.reboot(guest, { timeout = 60 })",
    settle = function(machine, code, err)
      assert(machine.guest:get_info().domain_state == "running" or code ~= 0 and err:find("and may do so yet", 1, true), err)
      return "booted"
    end },
  { "ensure_stopped and ensure_running",
    "workflow.ensure_stopped(guest, { timeout = 60 }) io.stdout:write('off') workflow.ensure_running(guest) io.stdout:write('on')",
    settle = switched },
  { "clean_shutdown", "workflow.clean_shutdown(guest, { timeout = 60 }) io.stdout:write('off')", settle = switched },
  { "ensure_attached and ensure_detached",
    "workflow.ensure_attached(guest, DISK) io.stdout:write('has') workflow.ensure_detached(guest, DISK)",
    settle = function(machine, code, err, out)
      local has = machine.guest:get_disk("vdb") ~= nil
      if out:find("has", 1, true) then -- a detach that has to stop may say so before it has begun
        assert(not has or code ~= 0 and (err:find("ensure_detached: ", 1, true) or not err:find("ensure_", 1, true)), err)
        guestlua.workflow.ensure_detached(machine.guest, "vdb")
      else
        assert(not has or was_over(code, err), err)
      end
      local configuration = guestlua.element(machine.guest:get_xml_desc({ dump_inactive = true }))
      assert(#configuration.devices:children("disk") == 1, "it is left in the configuration")
    end },
  { "backup", "workflow.backup(guest, { to = dir .. '/backup', bandwidth = 1 })",
    settle = function(machine, code, err)
      local checkpoints = #machine.guest:get_checkpoint_names()
      local listed, list = pcall(guestlua.workflow.backups, machine.dir .. "/backup/tiny")
      local backups = listed and #list or 0
      assert(backups == checkpoints, ("%d backups, %d checkpoints"):format(backups, checkpoints))
      local is_said = was_over(code, err) or err:find("outcome: the backup is whole", 1, true) ~= nil
      assert((backups == 1) == is_said, ("%d backups"):format(backups))
      local left = io.popen("ls " .. machine.dir .. "/backup/tiny 2>/dev/null | grep -vx target"):read("l") -- that names the directory
      assert(backups == 1 or not left, left)
      assert(os.execute("rm -rf " .. machine.dir .. "/backup"))
      return backups == 1 and "moved" or nil -- it has a checkpoint
    end },
  { "frozen", "local frozen <close> = guest:frozen() guestlua.sleep(0.3)" },
  { "paused", "local paused <close> = guest:paused() guestlua.sleep(0.3)" },
  { "attached", "local attached <close> = guest:attached(DISK) guestlua.sleep(0.3)" },
}

describe("A signal", function()
  local machine, on_daemon = faults.machine({ journal = "state/guestlua/journal",
    each = function(machine)
      assert(os.execute("truncate -s 1M " .. machine.dir .. "/device"))
    end,
    whole = function()
      return true
    end })

  local function start(script, options)
    options = options or {}
    local child = faults.start(CHILD .. script, { uri = options.uri or machine.uri, args = { machine.dir }, fault = options.fault, timeout = 60,
      env = { XDG_STATE_HOME = machine.root .. "/state" }, before = options.before })
    helper.await(function()
      local file <close> = io.open(child.dir .. "/out")
      return file and (file:read("a")):find(options.says or "^go\n")
    end, "the child does not begin: " .. script)
    return child
  end

  local function is_frozen()
    return machine.guest:agent_command('{"execute":"guest-fsfreeze-status"}', { timeout = 60 }):find('"frozen"') ~= nil
  end

  local function files()
    local names = {}
    for _, name in ipairs(core.list_directory(machine.dir)) do
      names[#names + 1] = name ~= "console.log" and name or nil
    end
    return names
  end

  -- As it was before: nothing is left, and there was nothing to recover.
  local function is_whole(where, moved)
    assert.same({}, core.list_directory(guestlua.journal()), where)
    assert.same({}, guestlua.recover(machine.host), where)
    assert.equal(guestlua.power_state.RUNNING, machine.guest:get_power_state(), where)
    assert.is_false(is_frozen(), where)
    assert.is_nil(machine.guest:get_block_device("vda"):get_job_info(), where)
    assert.is_nil(machine.guest:get_disk("vdb"), where)
    assert.is_nil(machine.guest:get_xml_desc():find("urn:guestlua", 1, true), where)
    if not moved then
      assert.same({ machine.disk }, machine:chain(), where)
      assert.same({ "device", "disk.qcow2" }, files(), where)
    end
  end

  local function reset()
    machine:reset()
    assert(os.execute("truncate -s 1M " .. machine.dir .. "/device"))
  end

  -- Runs it, with a signal after so many seconds; nil: without. Gives how long it took.
  local function try(row, signal, delay)
    if row.before then
      row.before(machine)
    end
    local where = ("SIG%s after %s s: %s"):format(signal, delay, row[1])
    local child <close> = start(row[2])
    local began = guestlua.now()
    if signal then
      guestlua.sleep(delay)
      child:kill(signal)
    end
    local code, out, err = child:wait()
    local seconds = guestlua.now() - began
    assert.is_true(code == 0 or signal and code == 128 + NUMBER[signal], ("%s: %s: %s"):format(where, code, err))
    where = where .. ": " .. err
    local ok, how = pcall(row.settle or function() end, machine, code, err, out)
    assert(ok, where .. ": " .. tostring(how))
    if how == "booted" then -- its agent is not there yet
      assert.same({}, core.list_directory(guestlua.journal()), where)
      assert.is_nil(machine.guest:get_xml_desc():find("urn:guestlua", 1, true), where)
    else
      is_whole(where, how)
    end
    if how then
      reset()
    end
    return seconds
  end

  for i, row in ipairs(WORKFLOWS) do
    on_daemon("at any moment has everything undone: " .. row[1], function()
      math.randomseed(os.time() // 86400, i)
      local seconds = math.max(try(row), 0.5)
      for _ = 1, SIGNALS do
        try(row, ({ "INT", "TERM", "HUP" })[math.random(3)], math.random() * 1.1 * seconds)
      end
    end)
  end

  on_daemon("in the middle of a guard's call has it undone once the call is over", function()
    for script, name in pairs({
      ["local paused <close> = guest:paused() guestlua.sleep(600)"] = "virDomainSuspend",
      ["local attached <close> = guest:attached(DISK) guestlua.sleep(600)"] = "virDomainAttachDeviceFlags",
    }) do
      local pid = machine:emulator()
      assert(os.execute("kill -STOP " .. pid))
      local going <close> = setmetatable({}, { __close = function() os.execute("kill -CONT " .. pid) end })
      local child <close> = start(script)
      helper.await(function() return child:has_called(name) end, name)
      child:kill("INT")
      local deadline = guestlua.now() + 3 -- time to undo too early
      while not child:has_called("virDomainSetMetadata") and guestlua.now() < deadline do
        guestlua.sleep(0.02)
      end
      assert(os.execute("kill -CONT " .. pid))
      local code, _, err = child:wait()
      assert.equal(130, code, err)
      is_whole(name)
    end
  end)

  on_daemon("after the last step leaves what is done, and is raised by what comes then", function()
    local child <close> = start([[
      local core = require("guestlua.core")
      local remove = core.remove_file
      core.remove_file = function(...) -- of the journal: the run is over
        remove(...)
        os.execute("kill -TERM $PPID")
      end
      workflow.attach_with_retry(guest, DISK, { persistent = false })
      guestlua.sleep(60)
    ]])
    local code, _, err = child:wait()
    assert.equal(143, code, err)
    assert.matches("^guestlua: [^\n]*script%.lua:%d+: interrupted\n", err)
    assert.is_truthy(machine.guest:get_disk("vdb"))
    guestlua.workflow.detach_with_retry(machine.guest, "vdb")
    is_whole("after the last step")
  end)

  on_daemon("SIGHUP is SIGTERM, also twice; and under nohup it is ignored", function()
    local during = "workflow.snapshot_then_commit(guest, { during = function() print('during') io.stdout:flush() guestlua.sleep(%s) end })"
    do
      local child <close> = start(during:format(600), { says = "during" })
      child:kill("HUP")
      local code, _, err = child:wait()
      assert.equal(129, code)
      assert.matches("outcome: undone", err)
      is_whole("once")
    end
    do -- a second one is meant for a script that does not end
      local child <close> = start(during:format(600), { says = "during" })
      child:kill("HUP")
      child:kill("HUP")
      assert.equal(129, (child:wait()))
      guestlua.recover(machine.host)
      is_whole("twice")
    end
    do
      local script = os.tmpname()
      local file <close> = assert(io.open(script, "w"))
      file:write(CHILD, during:format(1))
      file:close()
      finally(function() os.remove(script) os.remove(script .. ".out") end)
      local code, out, err = guestlua.run("sh", { args = { "-c", [[: >"$3.out"; nohup "$1" -c "$2" "$3" "$4" >"$3.out" 2>&1 & pid=$!
        until grep -q during "$3.out" || ! kill -0 $pid; do sleep 0.1; done; kill -HUP $pid; wait $pid]], "sh", helper.interpreter, machine.uri,
        script, machine.dir }, env = { XDG_STATE_HOME = machine.root .. "/state" }, timeout = 300 })
      assert.same({ 0, "", "" }, { code, out, err })
      is_whole("nohup")
    end
  end)

  on_daemon("SIGKILL leaves a frozen guest to the watchdog, which thaws it", function()
    local child <close> = start("local frozen <close> = guest:frozen() print('frozen') io.stdout:flush() guestlua.sleep(600)", { says = "frozen" })
    assert.is_true(is_frozen())
    child:kill()
    child:wait()
    helper.await(function() return not is_frozen() end, "it stays frozen")
    helper.await(function() return #core.list_directory(guestlua.journal()) == 0 end, "the journal keeps it")
    is_whole("killed")
    local second <close> = start("workflow.live_snapshot(guest, 'vda', dir .. '/copy', { quiesce = true })",
      { fault = "virDomainBlockJobAbort#1:hang=600", says = "" })
    helper.await(is_frozen, "it does not freeze")
    second:kill()
    second:wait()
    helper.await(function() return not is_frozen() end, "it stays frozen during a workflow")
    helper.await(function() return #core.list_directory(guestlua.journal()) == 0 end, "the journal keeps it")
    is_whole("killed during a workflow")
  end)
end)
