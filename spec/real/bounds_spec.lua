-- libvirtd or the guest's QEMU stands still (SIGSTOP) at a step of a workflow: the script has its control back a minute after its time is over at the
-- latest, and says what is not known. When they go on, recover settles everything.

local faults = require("spec.support.faults")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local TIMEOUT, LATER = 2, 60 -- seconds: the option, and how much later the script may go on
local PARTS = 25

-- A fault that makes a step fail, so that the call is one of its undo.
local function failing(call)
  return call .. ":internal_error"
end

local CHILD = [[
  local host <close> = guestlua.open()
  local guest = host:guest("tiny")
  local workflow, dir = guestlua.workflow, ...
  local VOLUME = ("<disk type='file'><driver type='qcow2'/><source file='%%s/volume'/></disk>"):format(dir)
  local DISK = ("<disk type='file'><source file='%%s/device'/><target dev='vdb' bus='virtio'/></disk>"):format(dir)
  local ok, e = pcall(function() %s end)
  print(ok or e.kind, ok or e.step, ok or e.outcome)
]]

local COMMIT = "workflow.snapshot_then_commit(guest, { timeout = 2, quiesce = true })"
local COPY = "workflow.live_snapshot(guest, 'vda', dir .. '/copy', { timeout = 2, quiesce = true })"
local SWAP = "workflow.swap_volume(guest, 'vda', VOLUME, { timeout = 2 })"
local PULL = "workflow.volume_snapshot_delete(guest, 'vda', { timeout = 2 })"
local CREATE = "workflow.volume_snapshot_create(guest, 'vda', { timeout = 2, new_file = dir .. '/new' })"
local REVERT = "workflow.snapshot_revert(guest, { name = 's', force = true, timeout = 2 })"
local FORGET = "workflow.snapshot_delete(guest, { name = 's', timeout = 2 })"
local DETACH = "workflow.detach_with_retry(guest, 'vdb', { timeout = 2, attempts = 1 })"
local ATTACH = "workflow.attach_with_retry(guest, DISK, { timeout = 2 })"
local ENSURE_ATTACHED = "workflow.ensure_attached(guest, DISK, { timeout = 2 })"
local ENSURE_DETACHED = "workflow.ensure_detached(guest, DISK, { timeout = 2, attempts = 1 })"
local BACKUP = "workflow.backup(guest, { to = dir .. '/backup', timeout = 2, quiesce = true })"
local SUSPEND = "workflow.suspend(guest, { timeout = 2 })"
local RESUME = "workflow.resume(guest, { timeout = 2 })"
local REBOOT = "workflow.reboot(guest, { timeout = 2 })"
local SHUTDOWN = "workflow.clean_shutdown(guest, { timeout = 2 })"
local STOPPED = "workflow.ensure_stopped(guest, { timeout = 2 })"
local FORCED = "workflow.ensure_stopped(guest, { timeout = 0, force = true })"
local RUNNING = "workflow.ensure_running(guest, { timeout = 2 })"

local function has_disk(machine)
  machine.guest:attach_device(("<disk type='file'><source file='%s/device'/><target dev='vdb' bus='virtio'/></disk>"):format(machine.dir),
    { live = true, persistent = true })
  machine:sh("until [ -e /dev/vdb ]; do sleep 0.05; done")
end

local function is_off(machine)
  machine.guest:poweroff()
end

local function is_saved(machine)
  machine.guest:save_memory_state()
end

local function is_paused(machine)
  machine.guest:pause()
end

local function has_snapshot(machine)
  os.remove(machine.dir .. "/new") -- which needs the image below
  machine.guest:snapshot("<domainsnapshot><name>s</name></domainsnapshot>", { disk_only = true })
end

-- What is true of a guest before the workflow.
local BEFORE = { [REVERT] = has_snapshot, [FORGET] = has_snapshot,
  [DETACH] = has_disk, [ENSURE_DETACHED] = has_disk, [RUNNING] = is_off, [RESUME] = is_saved }

-- Those that are always run, and the rest: each day another part of it, and with BOUNDS=1 all.
local SOME = {
  { COMMIT, at = "virDomainBlockCommit#1", stop = "daemon" },
  { COPY, at = "virDomainBlockCopy#1", stop = "qemu" },
  { COMMIT, at = "virDomainBlockCommit#2", stop = "qemu", fault = failing("virDomainBlockCommit#1") },
  { SWAP, at = "virDomainBlockCopy#1", stop = "qemu" },
  { BACKUP, at = "virDomainBackupBegin#1", stop = "daemon" },
}
-- power: afterwards the guest may be on or off. says: what the child prints.
local ALL = {
  { COMMIT, at = "virDomainSnapshotCreateXML#1", stop = "daemon" },
  { COMMIT, at = "virDomainSnapshotCreateXML#1", stop = "qemu" },
  { COMMIT, at = "virDomainBlockCommit#1", stop = "qemu" },
  { COMMIT, at = "virDomainBlockCommit#2", stop = "daemon", fault = failing("virDomainBlockCommit#1") },
  { COMMIT, at = "virDomainBlockJobAbort#1", stop = "daemon" },
  { COMMIT, at = "virDomainBlockJobAbort#1", stop = "qemu" },
  { COPY, at = "virDomainBlockCopy#1", stop = "daemon" },
  { COPY, at = "virDomainFSFreeze#1", stop = "daemon" },
  { COPY, at = "virDomainFSFreeze#1", stop = "qemu" },
  { COPY, at = "virDomainFSThaw#1", stop = "daemon" },
  { COPY, at = "virDomainFSThaw#1", stop = "qemu" },
  { COPY, at = "virDomainBlockJobAbort#1", stop = "daemon", fault = failing("virDomainFSFreeze#1") },
  { SWAP, at = "virDomainBlockCopy#1", stop = "daemon" },
  { SWAP, at = "virDomainBlockJobAbort#1", stop = "daemon" },
  { SWAP, at = "virDomainBlockJobAbort#1", stop = "qemu" },
  { PULL, at = "virDomainBlockRebase#1", stop = "daemon" },
  { PULL, at = "virDomainBlockRebase#1", stop = "qemu" },
  { REVERT, at = "virDomainDestroy#1", stop = "daemon", power = true },
  { REVERT, at = "virDomainDestroy#1", stop = "qemu", says = "undone: the guest was started", power = true }, -- libvirt kills it, too late
  { REVERT, at = "virDomainDefineXML#1", stop = "daemon", power = true },
  { REVERT, at = "virDomainSnapshotCreateXML#1", stop = "daemon", power = true },
  { REVERT, at = "virDomainCreateWithFlags#1", stop = "daemon", power = true },
  { FORGET, at = "virDomainSnapshotDelete#1", stop = "daemon", images = 2 },
  { FORGET, at = "virDomainBlockCommit#1", stop = "daemon" },
  { FORGET, at = "virDomainBlockCommit#1", stop = "qemu" },
  { FORGET, at = "virDomainBlockJobAbort#1", stop = "daemon" },
  { FORGET, at = "virDomainBlockJobAbort#1", stop = "qemu" },
  { ATTACH, at = "virDomainAttachDeviceFlags#1", stop = "daemon" },
  { ATTACH, at = "virDomainAttachDeviceFlags#1", stop = "qemu" },
  { DETACH, at = "virDomainDetachDeviceFlags#1", stop = "daemon" },
  { DETACH, at = "virDomainDetachDeviceFlags#2", stop = "daemon" },
  { DETACH, at = "virDomainDetachDeviceFlags#2", stop = "qemu" },
  { CREATE, at = "virDomainSnapshotCreateXML#1", stop = "daemon", images = 2 },
  { CREATE, at = "virDomainSnapshotCreateXML#1", stop = "qemu", images = 2 },
  { ENSURE_ATTACHED, at = "virDomainAttachDeviceFlags#1", stop = "daemon" },
  { ENSURE_ATTACHED, at = "virDomainAttachDeviceFlags#2", stop = "daemon" },
  { ENSURE_ATTACHED, at = "virDomainAttachDeviceFlags#1", stop = "qemu" },
  { ENSURE_DETACHED, at = "virDomainDetachDeviceFlags#2", stop = "daemon" },
  { ENSURE_DETACHED, at = "virDomainDetachDeviceFlags#2", stop = "qemu" },
  { BACKUP, at = "virDomainFSFreeze#1", stop = "daemon" },
  { BACKUP, at = "virDomainFSFreeze#1", stop = "qemu" },
  { BACKUP, at = "virDomainBackupBegin#1", stop = "qemu" },
  { BACKUP, at = "virDomainFSThaw#1", stop = "daemon" },
  { BACKUP, at = "virDomainFSThaw#1", stop = "qemu" },
  { BACKUP, at = "virDomainAbortJob#1", stop = "daemon" },
  { BACKUP, at = "virDomainAbortJob#1", stop = "qemu" },
  { SUSPEND, at = "virDomainManagedSave#1", stop = "daemon", power = true },
  { SUSPEND, at = "virDomainManagedSave#1", stop = "qemu", power = true },
  { RESUME, at = "virDomainCreateWithFlags#1", stop = "daemon", power = true },
  { RESUME, at = "virDomainSetTime#1", stop = "daemon" },
  { RESUME, at = "virDomainSetTime#1", stop = "qemu", says = "^true" }, -- and that the clock was not set
  { RESUME, at = "virDomainResume#1", stop = "daemon", before = is_paused },
  { RESUME, at = "virDomainResume#1", stop = "qemu", before = is_paused },
  { REBOOT, at = "virDomainShutdown#1", stop = "daemon", power = true },
  { REBOOT, at = "virDomainShutdown#1", stop = "qemu", says = "may do so yet", power = true },
  { REBOOT, at = "virDomainCreateWithFlags#1", stop = "daemon", power = true },
  { SHUTDOWN, at = "virDomainShutdown#1", stop = "daemon", power = true },
  { SHUTDOWN, at = "virDomainShutdown#1", stop = "qemu", says = "may do so yet", power = true },
  { STOPPED, at = "virDomainShutdown#1", stop = "daemon", power = true },
  { STOPPED, at = "virDomainShutdown#1", stop = "qemu", says = "may do so yet", power = true },
  { FORCED, at = "virDomainDestroy#1", stop = "daemon", power = true },
  { FORCED, at = "virDomainDestroy#1", stop = "qemu", says = "^true", power = true }, -- libvirt kills it
  { RUNNING, at = "virDomainCreateWithFlags#1", stop = "daemon", power = true },
  { RUNNING, at = "virDomainResume#1", stop = "daemon", before = is_paused },
  { RUNNING, at = "virDomainResume#1", stop = "qemu", before = is_paused },
}

describe("A workflow that gets no answer", function()
  local machine, missing

  lazy_setup(function()
    machine, missing = faults.daemon()
  end)
  lazy_teardown(function()
    if machine then
      getmetatable(machine).__close(machine)
    end
  end)

  helper.leaves_nothing(function()
    if machine then
      guestlua.journal({ dir = machine.root .. "/state/guestlua/journal" })
    end
  end)

  local function read(path)
    local file <close> = assert(io.open(path))
    return file:read("a")
  end

  local function is_over(child)
    local file <close> = io.open(child.dir .. "/code")
    return file and file:read("n")
  end

  local function try(row)
    local where = ("%s stands still at %s: %s"):format(row.stop, row.at, row[1])
    local name, times = row.at:match("^(.*)#(%d+)$")
    local child <close> = faults.start(CHILD:format(row[1]), { uri = machine.uri, args = { machine.dir }, timeout = 150,
      env = { XDG_STATE_HOME = machine.root .. "/state" }, fault = { row.at .. ":hang=1", row.fault } })
    helper.await(function() return child:has_called(name, tonumber(times)) or is_over(child) end, where)
    assert.is_nil(is_over(child), where .. ": " .. read(child.dir .. "/out") .. read(child.dir .. "/err"))
    local pid = assert(row.stop == "daemon" and machine.pid or machine:emulator(), where)
    local began = guestlua.now()
    assert(os.execute("kill -STOP " .. pid))
    local going <close> = setmetatable({}, { __close = function() os.execute("kill -CONT " .. pid) end })
    helper.await(function() return is_over(child) end, where .. ": it does not end", TIMEOUT + LATER + 10)
    local seconds = guestlua.now() - began
    local out = read(child.dir .. "/out")
    if os.getenv("BOUNDS") then
      print(where, seconds, out)
    end
    assert.is_true(seconds < TIMEOUT + LATER + 1, where) -- and a second that the call hung on purpose
    assert.equal(0, is_over(child), where .. read(child.dir .. "/err"))
    assert.matches(row.says or "not known", out, where)
    os.execute("kill -CONT " .. pid)
    machine.host:reconnect() -- it has seen no sign of life either
    helper.await(function()
      local ok = pcall(guestlua.recover, machine.host)
      return ok and #guestlua.recover(machine.host) == 0
    end, where .. ": it is not recovered")
    if row.power then
      assert.is_nil(machine.guest:get_xml_desc():find("urn:guestlua", 1, true), where)
      return
    end
    assert.is_nil(machine.guest:get_block_device("vda"):get_job_info(), where)
    assert.matches('"thawed"', machine.guest:agent_command('{"execute":"guest-fsfreeze-status"}', { timeout = 60 }), where)
    assert.equal(guestlua.power_state.RUNNING, machine.guest:get_power_state(), where)
    assert.equal(row.images or 1, #machine:chain(), where)
    assert.is_nil(machine.guest:get_xml_desc():find("urn:guestlua", 1, true), where)
  end

  local today = {}
  for i, row in ipairs(ALL) do
    today[#today + 1] = (os.getenv("BOUNDS") or (i + os.time() // 86400) % PARTS == 0) and row or nil
  end
  for _, rows in ipairs({ SOME, today }) do
    for _, row in ipairs(rows) do
      it(("from %s at %s has its script go on in time: %s"):format(row.stop, row.at, row[1]:match("workflow%.([%w_]+)")), function()
        if not machine then
          pending(missing)
        end
        machine:reset()
        assert(os.execute(("cd %s && truncate -s 1M device && qemu-img create -q -f qcow2 -b disk.qcow2 -F qcow2 new"):format(machine.dir)))
        local before = row.before or BEFORE[row[1]]
        if before then
          before(machine)
        end
        try(row)
      end)
    end
  end
end)
