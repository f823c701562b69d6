-- One run a guest: whoever comes second is refused, from another process, another task, another journal or another PID namespace; and nothing of a
-- claim stays when its run is over, however it ends.

local core = require("guestlua.core")
local faults = require("spec.support.faults")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local workflow = guestlua.workflow

local CHILD = [[
  local host <close> = guestlua.open()
  local guest = host:guest("tiny")
  local workflow, dir = guestlua.workflow, ...
  local DISK = ("<disk type='file'><source file='%s/device'/><target dev='vdb' bus='virtio'/></disk>"):format(dir)
  local VOLUME = ("<disk type='file'><driver type='qcow2'/><source file='%s/volume'/></disk>"):format(dir)
]]

local SNAPSHOT = "guest:snapshot('<domainsnapshot><name>s</name></domainsnapshot>', { disk_only = true })"
local ATTACH = "guest:attach_device(DISK, { live = true, persistent = true })"

-- Each workflow, as a child calls it, and at which call it stands still, with the guest claimed.
local WORKFLOWS = {
  { name = "snapshot_then_commit", call = 'guest', at = "virDomainBlockCommit" },
  { name = "live_snapshot", call = 'guest, "vda", dir .. "/copy"', at = "virDomainBlockCopy" },
  { name = "swap_volume", call = 'guest, "vda", VOLUME', at = "virDomainBlockCopy" },
  { name = "volume_snapshot_create", call = 'guest, "vda", { new_file = "snap" }', at = "virDomainSnapshotCreateXML" },
  { name = "volume_snapshot_delete", call = 'guest, "vda", {}', at = "virDomainBlockRebase" },
  { name = "snapshot_revert", call = 'guest, { name = "s", force = true }', at = "virDomainGetInfo" },
  { name = "snapshot_delete", call = 'guest, { name = "s" }', at = "virDomainBlockCommit", before = SNAPSHOT },
  { name = "attach_with_retry", call = 'guest, DISK', at = "virDomainAttachDeviceFlags" },
  { name = "ensure_attached", call = 'guest, DISK', at = "virDomainAttachDeviceFlags" },
  { name = "detach_with_retry", call = 'guest, "vdb"', at = "virDomainDetachDeviceFlags", before = ATTACH },
  { name = "ensure_detached", call = 'guest, "vdb"', at = "virDomainDetachDeviceFlags", before = ATTACH },
  { name = "ensure_running", call = 'guest', at = "virDomainGetInfo" },
  { name = "clean_shutdown", call = 'guest', at = "virDomainGetInfo" },
  { name = "backup", call = 'guest, { to = dir .. "/backup" }', at = "virDomainBackupBegin" },
  { name = "ensure_stopped", call = 'guest', at = "virDomainGetInfo" },
  { name = "reboot", call = 'guest', at = "virDomainGetInfo" },
  { name = "suspend", call = 'guest', at = "virDomainGetInfo" },
  { name = "resume", call = 'guest', at = "virDomainGetInfo" },
  { name = "live_migrate", call = 'guest, host, { destination_uri = "qemu+tcp://there/system" }', at = "virDomainGetInfo" },
  { name = "offline_migrate", call = 'guest, host, { destination_uri = "qemu+tcp://there/system" }', at = "virDomainGetInfo" },
}

describe("A guest's claim", function()
  local state
  local number = 0
  local machine, on_daemon = faults.machine({ journal = "state/guestlua/journal",
    started = function(machine)
      state = machine.root .. "/state"
    end,
    whole = function(machine)
      return machine:chain()[1] == machine.disk
    end })

  local function use_journal(of)
    return guestlua.journal({ dir = of .. "/guestlua/journal" })
  end

  -- In a guestlua of its own. options.state: its XDG_STATE_HOME; fault.
  local function start(script, options)
    options = options or {}
    return faults.start(CHILD .. script, { uri = machine.uri, args = { machine.dir }, fault = options.fault,
      env = { XDG_STATE_HOME = options.state or state } })
  end

  local function has_called(child, name)
    return function()
      for _, call in ipairs(child:calls()) do
        if call.name == name then
          return true
        end
      end
    end
  end

  -- A child that holds the guest's claim until it is killed.
  local function hold(row, options)
    local child = start(("%s workflow.%s(%s)"):format(row.before or "", row.name, row.call),
      { fault = row.at .. "#1:hang=600", state = options and options.state })
    helper.await(has_called(child, row.at), row.name .. " does not come to " .. row.at)
    return child
  end

  -- The same workflow, from here.
  local function call(row, options)
    local dir, guest, host = machine.dir, machine.guest, machine.host
    local disk = ("<disk type='file'><source file='%s/device'/><target dev='vdb' bus='virtio'/></disk>"):format(dir)
    local volume = ("<disk type='file'><driver type='qcow2'/><source file='%s/volume'/></disk>"):format(dir)
    local text = row.call
    if options then
      text = text:find("{", 1, true) and text:gsub("{", "{ wait = WAIT, ") or text .. ", { wait = WAIT }"
    end
    local fn = assert(load(("workflow.%s(%s)"):format(row.name, text), row.name, "t",
      { workflow = workflow, guest = guest, host = host, dir = dir, DISK = disk, VOLUME = volume, WAIT = options and options.wait }))
    return fn()
  end

  local function is_refused(row, holder, where)
    local began = guestlua.now()
    local e = helper.failure(call, row)
    where = ("%s while there is %s, %s"):format(row.name, holder.workflow, where)
    assert.equal("busy", e.kind, where .. ": " .. tostring(e))
    assert.is_true(guestlua.now() - began < 20, where)
    for key, value in pairs(holder) do
      assert.equal(tostring(value), e.holder[key], where .. ": " .. key)
    end
    assert.matches("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ$", e.holder.since, where)
    for _, key in ipairs({ "workflow", "machine", "process", "since" }) do
      assert.is_truthy(e.message:find(e.holder[key], 1, true), where)
    end
  end

  local function hostname()
    local file <close> = io.open("/proc/sys/kernel/hostname")
    return file:read("l")
  end

  -- Nobody has it, and nothing says that anybody had. The watchdog of a run that was killed recovers at the same time, and has it for a moment.
  local function is_free(where)
    helper.await(function()
      return #guestlua.recover(machine.host) == 0 and #core.list_directory(guestlua.journal()) == 0
    end, "its claim does not end: " .. where)
    assert.is_nil(machine.guest:get_xml_desc():find("urn:guestlua", 1, true), where)
    assert.is_nil(machine.guest:get_xml_desc({ dump_inactive = true }):find("urn:guestlua", 1, true), where)
  end

  on_daemon("is one, of each workflow: another process is refused, with the same journal and with another, until it is killed", function()
    assert(os.execute("truncate -s 1M " .. machine.dir .. "/device"))
    for _, row in ipairs(WORKFLOWS) do
      local child <close> = hold(row)
      local holder = { workflow = row.name, machine = hostname(), process = child.pid }
      is_refused(row, holder, "with the same journal")
      use_journal(machine.root .. "/other")
      is_refused(row, holder, "with another journal")
      assert.is_true(machine.guest:is_active()) -- reading needs no claim
      use_journal(state)
      assert.same({}, guestlua.recover(machine.host), "while it lives")
      child:kill()
      child:wait()
      local result = workflow.ensure_running(machine.guest, { wait = 60 })
      assert.same({ "running", false }, { result.how, result.changed })
      guestlua.recover(machine.host)
      is_free(row.name)
      assert.same({ machine.disk }, machine:chain(), row.name)
    end
  end)

  on_daemon("is of one task of a process", function()
    local go, ready = guestlua.signal(), guestlua.signal()
    local group <close> = guestlua.group()
    local task = group:spawn(workflow.snapshot_then_commit, machine.guest, { during = function()
      ready:wake()
      go:wait()
    end })
    assert.is_true(ready:wait({ timeout = 120 }))
    for _, row in ipairs(WORKFLOWS) do
      is_refused(row, { workflow = "snapshot_then_commit", process = require("guestlua.base.journal").process() }, "in another task")
    end
    assert.equal(machine.disk, machine:chain()[2])
    go:wake()
    task:wait()
    is_free("in the end")
  end)

  on_daemon("holds across PID namespaces, in which other processes have the same numbers", function()
    local script = os.tmpname()
    finally(function() os.remove(script) end)
    local function in_namespace(text)
      local file <close> = assert(io.open(script, "w"))
      file:write(CHILD, text)
      file:close()
      return ("env XDG_STATE_HOME=%s unshare -p -f --kill-child --mount-proc %s -c '%s' %s %s"):format(state, helper.interpreter, machine.uri, script,
        machine.dir)
    end
    local lines = {}
    for i, row in ipairs(WORKFLOWS) do
      lines[i] = ("try(%q, function() workflow.%s(%s) end)"):format(row.name, row.name, row.call)
    end
    do
      local child <close> = hold(WORKFLOWS[1])
      local code, out, err = helper.run(in_namespace([[
        local function try(name, fn)
          local ok, e = pcall(fn)
          print(name, not ok and e.kind, not ok and e.holder and e.holder.process)
        end
        ]] .. table.concat(lines, "\n")))
      assert.same({ 0, "" }, { code, err })
      for i, row in ipairs(WORKFLOWS) do
        lines[i] = ("%s\tbusy\t%d\n"):format(row.name, child.pid)
      end
      assert.equal(table.concat(lines), out)
    end
    guestlua.recover(machine.host)
    is_free("the one outside has ended")
    -- and the other way round: its number is one that another process has here
    assert(os.execute(in_namespace([[
      workflow.snapshot_then_commit(guest, { during = function() guestlua.sleep(600) end })
    ]]) .. " >/dev/null 2>&1 & echo $! >" .. script .. ".pid"))
    finally(function() os.remove(script) os.remove(script .. ".pid") end)
    helper.await(function() return #machine:chain() == 2 end, "it does not begin")
    is_refused(WORKFLOWS[2], { workflow = "snapshot_then_commit" }, "in a namespace")
    assert.same({}, guestlua.recover(machine.host), "while it lives")
    local file <close> = assert(io.open(script .. ".pid"))
    assert(os.execute("kill -KILL " .. file:read("l")))
    local results
    helper.await(function()
      results = guestlua.recover(machine.host)
      return #results > 0
    end, "its claim does not end")
    assert.matches("^undone", results[1].outcome)
    assert.same({ machine.disk }, machine:chain())
    is_free("the one in the namespace has ended")
  end)

  on_daemon("is of one user, and others see it, who cannot read that one's journal", function()
    if core.user() ~= 0 then
      pending("needs root, to be another user")
    end
    local dir = os.tmpname()
    os.remove(dir)
    local program = dir .. "/guestlua"
    assert(os.execute(("mkdir -m 755 %s && cp %s %s && mkdir %s/state && chown nobody %s/state"):format(dir, helper.interpreter, program, dir, dir)))
    assert(os.execute(("chmod 777 %s && chmod 666 %s %s/libvirt-sock"):format(machine.dir, machine.disk, machine.root)))
    finally(function() os.execute("rm -rf " .. dir) end)
    local function as_nobody(arguments)
      return ("env -u HOME XDG_STATE_HOME=%s/state setpriv --reuid=nobody --regid=nogroup --clear-groups %s -c '%s' %s"):format(dir, program,
        machine.uri, arguments)
    end
    local function said(name)
      local code, out, err = helper.run(as_nobody(([[-e '
        local host <close> = guestlua.open()
        local ok, e = pcall(guestlua.workflow.%s, host:guest("tiny"))
        print(ok and "ok" or e.kind, not ok and e.holder.process, not ok and e.message)']]):format(name)))
      assert.same({ 0, "" }, { code, err })
      return out
    end
    -- theirs sees ours, also when it is dead: whether it is cannot be seen
    do
      local child <close> = hold(WORKFLOWS[1])
      assert.matches(("^busy\t%d\t.*its lock cannot be seen from here"):format(child.pid), said("ensure_running"))
      assert.same({ 0, "", "" }, { helper.run(as_nobody("recover")) })
    end
    assert.matches("^busy\t%d+\t.*its lock cannot be seen from here", said("ensure_running"))
    assert.matches("^undone", guestlua.recover(machine.host)[1].outcome)
    assert.matches("^ok", said("ensure_running"))
    is_free("ours has ended")
    -- ours sees theirs
    local command = as_nobody([[-e '
      local host <close> = guestlua.open()
      guestlua.workflow.snapshot_then_commit(host:guest("tiny"), { during = function() guestlua.sleep(600) end })']])
    assert(os.execute(("%s >%s/out 2>&1 & echo $! >%s/pid"):format(command, dir, dir)))
    helper.await(function() return #machine:chain() == 2 end, "it does not begin")
    local file <close> = assert(io.open(dir .. "/pid"))
    local pid = file:read("l")
    is_refused(WORKFLOWS[2], { workflow = "snapshot_then_commit", process = pid }, "of another user")
    assert.same({}, guestlua.recover(machine.host), "while it lives")
    assert(os.execute("kill -KILL " .. pid))
    -- it is dead, which root can see; what it did is in a journal that is its own
    helper.await(function() return (pcall(workflow.ensure_running, machine.guest)) end, "its claim does not end")
    assert.same({}, guestlua.recover(machine.host))
    assert.equal(2, #machine:chain())
    local code, out = helper.run(as_nobody("recover"))
    assert.equal(0, code)
    assert.matches("undone", out)
    assert.same({ machine.disk }, machine:chain())
    is_free("theirs has ended")
  end)

  on_daemon("is waited for with wait", function()
    local over, may_end = false, false
    local ready = guestlua.signal()
    local group <close> = guestlua.group()
    local task = group:spawn(workflow.snapshot_then_commit, machine.guest, { during = function()
      ready:wake()
      helper.await(function() return may_end end, "the others to have seen it")
      over = true
    end })
    assert.is_true(ready:wait({ timeout = 120 }))
    local began = guestlua.now()
    assert.equal("busy", helper.failure(call, WORKFLOWS[1], { wait = 0.2 }).kind)
    assert.is_true(guestlua.now() - began >= 0.2)
    assert.is_false(over)
    group:spawn(function()
      guestlua.sleep(0.5) -- the next one waits by then, if this machine is fast
      may_end = true
    end)
    workflow.live_snapshot(machine.guest, "vda", machine.dir .. "/copy" .. number, { wait = 120 })
    assert.is_true(over)
    task:wait()
    is_free("in the end")
  end)

  on_daemon("is had by one of two that begin at the same time with two journals", function()
    local slow <close> = start([[
      print(select(2, pcall(workflow.snapshot_then_commit, guest)).kind)
    ]], { fault = "virDomainSetMetadata#1:hang=2", state = machine.root .. "/other" })
    helper.await(has_called(slow, "virDomainSetMetadata"), "it does not claim the guest") -- it has seen no mark, and makes its own in a moment
    workflow.snapshot_then_commit(machine.guest, { during = function()
      local code, out, err = slow:wait()
      assert.same({ 0, "busy\n", "" }, { code, out, err })
    end })
    is_free("in the end")
  end)

  on_daemon("of another machine is respected until it is adopted", function()
    local function plant(fields)
      local mark = { run = "20260101-000000-00000001", workflow = "live_snapshot", machine = "far", machine_id = "1", boot = "2", process = "7",
        since = "2026-01-01T00:00:00Z", lock = "/run/x.lock", directory = "1:2" }
      for key, value in pairs(fields or {}) do
        mark[key] = value
      end
      machine.guest:set_metadata(guestlua.element("run", mark), { key = "guestlua", uri = "urn:guestlua:run:" .. mark.run, live = true })
    end
    local function is_respected()
      local e = helper.failure(workflow.snapshot_then_commit, machine.guest)
      assert.equal("busy", e.kind)
      assert.same({ workflow = "live_snapshot", machine = "far", process = "7", since = "2026-01-01T00:00:00Z", run = "20260101-000000-00000001" },
        e.holder)
      assert.matches("adopt=true", e.hint)
      assert.same({}, core.list_directory(guestlua.journal()))
    end
    plant()
    is_respected()
    assert.same({}, guestlua.recover(machine.host))
    is_respected()
    assert.same({}, guestlua.recover(machine.host, { adopt = true, guest = "another" }))
    is_respected()
    local results = guestlua.recover(machine.host, { adopt = true, guest = "tiny" })
    assert.same({ "live_snapshot", "tiny" }, { results[1].workflow, results[1].guest })
    assert.matches("claim of machine 'far'", results[1].outcome)
    is_free("adopted")
    workflow.snapshot_then_commit(machine.guest)
    -- a lock of the same name that is in another container, with other files
    local boot <close> = io.open("/proc/sys/kernel/random/boot_id")
    plant({ boot = boot:read("l"), lock = guestlua.journal() .. "/" .. machine.guest.uuid .. ".lock" })
    is_respected()
    assert.equal(1, #guestlua.recover(machine.host, { adopt = true }))
    is_free("adopted from a container")
    -- one that was restarted since is over
    local id <close> = io.open("/etc/machine-id")
    plant({ machine_id = id:read("l") })
    workflow.snapshot_then_commit(machine.guest)
    plant({ since = "" }) -- in the place of that one: whoever made it, it is a claim
    local e = helper.failure(workflow.snapshot_then_commit, machine.guest)
    assert.same({ "busy", "unknown" }, { e.kind, e.holder.since })
    assert.equal(1, #guestlua.recover(machine.host, { adopt = true }))
    is_free("adopted without a time")
  end)

  on_daemon("leaves nothing after success, failure, Ctrl-C, and a guest that was suspended", function()
    workflow.snapshot_then_commit(machine.guest)
    is_free("success")
    helper.failure(workflow.snapshot_then_commit, machine.guest, { during = function() error("why", 0) end })
    is_free("failure")
    helper.failure(workflow.live_snapshot, machine.guest, "nonsense", machine.dir .. "/x")
    is_free("failure of the plan")
    local child <close> = start("workflow.snapshot_then_commit(guest, { during = function() guestlua.sleep(600) end })")
    helper.await(function() return #machine:chain() == 2 end, "it does not begin")
    child:kill("INT")
    assert.equal(130, (child:wait()))
    is_free("Ctrl-C")
    workflow.suspend(machine.guest)
    assert.is_false(machine.guest:is_active())
    assert.same({}, core.list_directory(guestlua.journal()))
    assert.equal("restored", workflow.resume(machine.guest).how)
    is_free("suspended")
    workflow.reboot(machine.guest, { timeout = 0, force = true })
    is_free("restarted")
  end)
end)
