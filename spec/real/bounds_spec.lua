-- libvirtd or the guest's QEMU stands still (SIGSTOP) at a step of a workflow: the script has its control back a minute after its time is over at the
-- latest, and says what is not known. When they go on, recover settles everything.

local faults = require("spec.support.faults")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local TIMEOUT, LATER = 2, 60 -- seconds: the option, and how much later the script may go on

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
local DETACH = "workflow.detach_with_retry(guest, 'vdb', { timeout = 2, attempts = 1 })"
local ATTACH = "workflow.attach_with_retry(guest, DISK, { timeout = 2 })"

-- Those that are always run, and the rest.
local SOME = {
  { COMMIT, at = "virDomainBlockCommit#1", stop = "daemon" },
  { COPY, at = "virDomainBlockCopy#1", stop = "qemu" },
  { COMMIT, at = "virDomainBlockCommit#2", stop = "qemu", fault = failing("virDomainBlockCommit#1") },
  { SWAP, at = "virDomainBlockCopy#1", stop = "qemu" },
}
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
  { ATTACH, at = "virDomainAttachDeviceFlags#1", stop = "daemon" },
  { ATTACH, at = "virDomainAttachDeviceFlags#1", stop = "qemu" },
  { DETACH, at = "virDomainDetachDeviceFlags#1", stop = "daemon" },
  { DETACH, at = "virDomainDetachDeviceFlags#2", stop = "daemon" },
  { DETACH, at = "virDomainDetachDeviceFlags#2", stop = "qemu" },
  { CREATE, at = "virDomainSnapshotCreateXML#1", stop = "daemon", images = 2 },
  { CREATE, at = "virDomainSnapshotCreateXML#1", stop = "qemu", images = 2 },
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

  local function await(seconds, condition, what)
    local deadline = guestlua.now() + seconds
    while not condition() do
      assert.is_true(guestlua.now() < deadline, what)
      guestlua.sleep(0.02)
    end
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
    await(60, function() return child:has_called(name, tonumber(times)) or is_over(child) end, where)
    assert.is_nil(is_over(child), where .. ": " .. read(child.dir .. "/out") .. read(child.dir .. "/err"))
    local pid = assert(row.stop == "daemon" and machine.pid or machine:emulator(), where)
    local began = guestlua.now()
    assert(os.execute("kill -STOP " .. pid))
    local going <close> = setmetatable({}, { __close = function() os.execute("kill -CONT " .. pid) end })
    await(TIMEOUT + LATER + 10, function() return is_over(child) end, where .. ": it does not end")
    local seconds = guestlua.now() - began
    local out = read(child.dir .. "/out")
    if os.getenv("BOUNDS") then
      print(where, seconds, out)
    end
    assert.is_true(seconds < TIMEOUT + LATER + 1, where) -- and a second that the call hung on purpose
    assert.equal(0, is_over(child), where .. read(child.dir .. "/err"))
    assert.matches("not known", out, where)
    os.execute("kill -CONT " .. pid)
    await(60, function()
      local ok = pcall(guestlua.recover, machine.host)
      return ok and #guestlua.recover(machine.host) == 0
    end, where .. ": it is not recovered")
    assert.is_nil(machine.guest:get_block_device("vda"):get_job_info(), where)
    assert.matches('"thawed"', machine.guest:agent_command('{"execute":"guest-fsfreeze-status"}', { timeout = 60 }), where)
    assert.equal(guestlua.power_state.RUNNING, machine.guest:get_power_state(), where)
    assert.equal(row.images or 1, #machine:chain(), where)
    assert.is_nil(machine.guest:get_xml_desc():find("urn:guestlua", 1, true), where)
  end

  for _, rows in ipairs({ SOME, os.getenv("BOUNDS") and ALL or {} }) do
    for _, row in ipairs(rows) do
      it(("from %s at %s has its script go on in time: %s"):format(row.stop, row.at, row[1]:match("workflow%.([%w_]+)")), function()
        if not machine then
          pending(missing)
        end
        machine:reset()
        assert(os.execute(("cd %s && truncate -s 1M device && qemu-img create -q -f qcow2 -b disk.qcow2 -F qcow2 new"):format(machine.dir)))
        if row[1] == DETACH then
          machine.guest:attach_device(("<disk type='file'><source file='%s/device'/><target dev='vdb' bus='virtio'/></disk>"):format(machine.dir),
            { live = true, persistent = true })
          machine:sh("until [ -e /dev/vdb ]; do sleep 0.05; done")
        end
        try(row)
      end)
    end
  end
end)
