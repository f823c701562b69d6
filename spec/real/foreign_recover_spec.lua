-- A run is killed, somebody else changes what it left, and then it is recovered: what is not provably the run's stays, and is named.

local faults = require("spec.support.faults")
local foreign = require("spec.support.foreign")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local journal = require("guestlua.base.journal")

-- The child is killed right after the n-th call of one of guestlua's functions ("write_file#2": the second write of its journal), or by a fault at
-- a call of libvirt's. No watchdog recovers it before others come.
local CHILD = [[
  local core = require("guestlua.core")
  local wanted, number = (os.getenv("KILL_AFTER") or "none#0"):match("^(.*)#(%%d+)$")
  local original, calls = core[wanted], 0
  core[wanted] = original and function(...)
    local results = table.pack(original(...))
    calls = calls + 1
    if calls == tonumber(number) then
      os.execute("kill -KILL $PPID")
    end
    return table.unpack(results, 1, results.n)
  end
  local begin_write = core.begin_write
  function core.begin_write(...)
    local writing = begin_write(...)
    writing:wait()
    if wanted == "write_file" then
      calls = calls + 1
      if calls == tonumber(number) then
        os.execute("kill -KILL $PPID")
      end
    end
    return writing
  end
  core.watchdog = error
  guestlua.journal({ dir = os.getenv("JOURNAL") })
  local host <close> = guestlua.open()
  local guest = host:guest("tiny")
  local workflow, dir, copy = guestlua.workflow, ...
  local VOLUME = ("<disk type='file'><driver type='qcow2'/><source file='%%s'/></disk>"):format(copy)
  local DEVICE = ("<disk type='file'><source file='%%s/device'/><target dev='vdb' bus='virtio'/></disk>"):format(dir)
  %s
]]

local RUNS = {
  COMMIT = "workflow.snapshot_then_commit(guest, { quiesce = true, during = function() guestlua.sleep(0.1) end })",
  ROLLBACK = "workflow.snapshot_then_commit(guest, { on_failure = 'rollback', during = function() error('no', 0) end })",
  COPY = "workflow.live_snapshot(guest, 'vda', copy, { quiesce = true })",
  SWAP = "workflow.swap_volume(guest, 'vda', VOLUME, { resize_to = guest:get_block_device('vda'):get_block_info().capacity + (1 << 20) })",
  CREATE = "workflow.volume_snapshot_create(guest, 'vda', { new_file = copy })",
  DELETE = "workflow.volume_snapshot_delete(guest, 'vda', {})",
  REVERT = "workflow.snapshot_revert(guest, { name = 'ours', force = true })",
  FORGET = "workflow.snapshot_delete(guest, { name = 'ours' })",
  ATTACH = "workflow.attach_with_retry(guest, DEVICE)",
  DETACH = "workflow.detach_with_retry(guest, 'vdb')",
  SUSPEND = "workflow.suspend(guest, {})",
  REBOOT = "workflow.reboot(guest, { timeout = 20, force = true })",
  RESUME = "workflow.resume(guest)",
  STOP = "workflow.ensure_stopped(guest, { timeout = 20 })",
  UP = "workflow.ensure_running(guest)",
  HAS = "workflow.ensure_attached(guest, DEVICE)",
  LACKS = "workflow.ensure_detached(guest, DEVICE)",
  BACKUP = "workflow.backup(guest, { to = os.getenv('JOURNAL') .. '/../backup' })",
  FROZEN = "local frozen <close> = guest:frozen()",
  PAUSED = "local paused <close> = guest:paused()",
  ATTACHED = "local attached <close> = guest:attached(DEVICE)",
}

-- What has to be there before.
local function attached(others)
  others.machine.guest:attach_device(("<disk type='file'><source file='%s/device'/><target dev='vdb' bus='virtio'/></disk>"):format(
    others.machine.dir), { live = true, persistent = true })
  others.machine:sh("until [ -e /dev/vdb ]; do sleep 0.05; done")
end
local function taken(others)
  others.machine.guest:snapshot(guestlua.element("domainsnapshot", { name = { "ours" }, disks = { disk = { name = "vda", snapshot = "external",
    source = { file = others:copy() } } } }), { disk_only = true })
end
local PREPARE = {
  REVERT = taken,
  FORGET = taken,
  CREATE = function(others)
    assert(0 == helper.run(("qemu-img create -q -f qcow2 -b %s -F qcow2 %s"):format(others.machine:chain()[1], others:copy())))
  end,
  DELETE = function(others)
    others.machine.guest:snapshot(guestlua.element("domainsnapshot", { disks = { disk = { name = "vda", snapshot = "external",
      source = { file = others:copy() } } } }), { disk_only = true, no_metadata = true })
  end,
  DETACH = attached,
  LACKS = attached,
  RESUME = function(others) guestlua.workflow.suspend(others.machine.guest, {}) end,
  UP = function(others) others.machine.guest:poweroff() end,
}

-- The agent of a guest that was started or is being shut down need not answer.
local BOOTS = { REVERT = true, REBOOT = true, RESUME = true, STOP = true, UP = true }

-- Of the file that the run made, $F; OTHER defines a guest with it as a disk, which does not run.
local OTHER = [[virsh define /dev/stdin <<<"<domain type='qemu'><name>theirs</name><memory unit='MiB'>64</memory><os><type>hvm</type></os>
  <devices><disk type='file'><driver name='qemu' type='qcow2'/><source file='$F'/><target dev='vda' bus='virtio'/></disk></devices></domain>"]]

-- Its configuration is made of what it is while it runs, a run's mark included, and it is restarted.
local LIVE_CONFIG = "virsh dumpxml tiny >$D/foreign.xml; virsh define $D/foreign.xml; virsh destroy tiny; virsh start tiny"

-- Another file system over the directory, which libvirtd does not see: the files are there still.
local HIDE = "mount -t tmpfs tmpfs $D"

-- Where it is killed, and what others do then. back: what makes it possible to look. file: $F has to be there afterwards; named: and has to be
-- named by recover. says: what recover has to say. boots: the guest's agent is not there yet.
local CASES = {
  { "COMMIT", "write_file#1", "snapshot" },
  { "COMMIT", "write_file#2", "undefine" },
  { "COMMIT", "virDomainSnapshotCreateXML#1", "snapshot", file = true },
  { "COMMIT", "virDomainSnapshotCreateXML#1", "metadata", file = true },
  { "COMMIT", "virDomainSnapshotCreateXML#1", "restart" },
  { "COMMIT", "virDomainSnapshotCreateXML#1", OTHER, file = true },
  { "COMMIT", "virDomainSnapshotCreateXML#1", "abort" },
  { "COMMIT", "virDomainBlockCommit#1", "snapshot" },
  { "COMMIT", "virDomainBlockCommit#1", "pivot", file = true },
  { "COMMIT", "virDomainBlockCommit#1", "abort" },
  { "COMMIT", "virDomainBlockCommit#1", "undefine" },
  { "COMMIT", "virDomainBlockJobAbort#1", "snapshot" },
  { "COMMIT", "virDomainBlockJobAbort#1", "qemu-img create -q -f qcow2 -F qcow2 -b $F $D/foreign-child-$N", file = true, named = true },
  { "COMMIT", "virDomainBlockJobAbort#1", OTHER, file = true, named = true },
  { "ROLLBACK", "write_file#3", LIVE_CONFIG, file = true, says = "restarted", boots = true },
  { "COPY", "write_file#1", "mv $F $F.theirs; echo theirs >$F", file = true, named = true },
  { "COPY", "virDomainBlockCopy#1", "pivot", file = true },
  { "COPY", "virDomainBlockCopy#1", "abort" },
  { "COPY", "virDomainBlockCopy#1", OTHER, file = true, named = true },
  { "COPY", "virDomainBlockCopy#1", "restart" },
  { "COPY", "virDomainBlockCopy#1", "virsh blockjob tiny vda --abort; rm $F; echo theirs >$F", file = true, named = true },
  { "COPY", "virDomainBlockCopy#1", "virsh blockjob tiny vda --abort; rm $F; echo theirs >$D/foreign-to; ln -s $D/foreign-to $F", file = true,
    named = true },
  { "COPY", "virDomainBlockCopy#1", "virsh blockjob tiny vda --abort; qemu-nbd --fork -t -f qcow2 -k $D/../nbd --pid-file=$D/../nbd.pid $F",
    file = true, named = true, after = "kill $(cat $D/../nbd.pid)" },
  { "COPY", "write_file#2", HIDE, file = true, named = true, back = "umount $D" },
  { "COPY", "virDomainBlockCopy#1", HIDE, file = true, named = true, back = "umount $D" },
  { "COMMIT", "virDomainSnapshotCreateXML#1", HIDE, file = true, named = true, back = "umount $D" },
  { "SWAP", "virDomainBlockCopy#1", HIDE, file = true, named = true, back = "umount $D" },
  { "SWAP", "virDomainBlockCopy#1", "pivot", file = true },
  { "SWAP", "virDomainBlockCopy#1", "abort" },
  { "SWAP", "virDomainBlockCopy#1", "snapshot" },
  { "SWAP", "virDomainBlockJobAbort#1", "snapshot", file = true },
  { "SWAP", "virDomainBlockJobAbort#1", "restart", file = true },
}

-- Each call of each that changes something, after which it is killed, and each write of its journal.
local MOMENTS = {
  { "COMMIT", "virDomainSetMetadata#1", "write_file#1", "make_image#1", "write_file#2", "virDomainSnapshotCreateXML#1", "write_file#4",
    "virDomainBlockCommit#1", "write_file#5", "virDomainBlockJobAbort#1", "remove_image#1", "remove_file#1" },
  { "COPY", "write_file#1", "make_image#1", "write_file#2", "virDomainBlockCopy#1", "write_file#3", "virDomainAgentSetResponseTimeout#1",
    "virDomainFSFreeze#1", "virDomainBlockJobAbort#1", "virDomainFSThaw#1", "remove_file#1" },
  { "SWAP", "write_file#1", "make_image#1", "write_file#2", "virDomainBlockCopy#1", "write_file#3", "virDomainBlockJobAbort#1",
    "virDomainBlockResize#1", "remove_file#1" },
  { "CREATE", "write_file#1", "virDomainSnapshotCreateXML#1", "remove_file#1" },
  { "DELETE", "write_file#1", "virDomainBlockRebase#1", "remove_file#1" },
  { "REVERT", "write_file#1", "make_image#1", "write_file#2", "virDomainDestroy#1", "virDomainDefineXML#1", "virDomainSnapshotCreateXML#1",
    "virDomainCreateWithFlags#1", "remove_image#1" },
  { "FORGET", "write_file#1", "virDomainSnapshotDelete#1", "write_file#3", "virDomainBlockCommit#1", "virDomainBlockJobAbort#1", "remove_image#1" },
  { "ATTACH", "write_file#1", "virDomainAttachDeviceFlags#1", "write_file#2", "virDomainAttachDeviceFlags#2" },
  { "DETACH", "write_file#1", "virDomainDetachDeviceFlags#1", "write_file#2", "virDomainDetachDeviceFlags#2" },
  { "SUSPEND", "write_file#1", "write_file#2", "virDomainSetMetadata#2", "virDomainManagedSave#1" },
  { "REBOOT", "write_file#1", "virDomainShutdown#1", "virDomainCreateWithFlags#1" },
  { "RESUME", "virDomainCreateWithFlags#1" },
  { "STOP", "virDomainShutdown#1" },
  { "UP", "virDomainCreateWithFlags#1" },
  { "HAS", "write_file#1", "virDomainAttachDeviceFlags#1", "write_file#2", "virDomainAttachDeviceFlags#2" },
  { "LACKS", "write_file#1", "virDomainDetachDeviceFlags#1", "write_file#2", "virDomainDetachDeviceFlags#2" },
  { "BACKUP", "write_file#1", "virDomainBackupBegin#1", "write_file#3", "virDomainAbortJob#1", "remove_file#1" },
  { "FROZEN", "write_file#1", "virDomainFSFreeze#1", "virDomainFSThaw#1" },
  { "PAUSED", "write_file#1", "virDomainSuspend#1", "virDomainResume#1" },
  { "ATTACHED", "write_file#1", "virDomainAttachDeviceFlags#1", "virDomainDetachDeviceFlags#1" },
}
local ACTS = { "snapshot", "pivot", "abort", "detach", "destroy", "undefine", "rename", "blockresize", "restart", "gone", "metadata" }

-- All that can happen, or each day another part of it; FOREIGN_ACTS=all: all, in an hour; FOREIGN_ACTS=5: the part of the fifth day.
local PARTS = 73
local function each_case(fn)
  local choice, number = os.getenv("FOREIGN_ACTS") or os.time() // 86400, 0
  for _, row in ipairs(MOMENTS) do
    for i = 2, #row do
      for _, act in ipairs(ACTS) do
        number = number + 1
        if choice == "all" or number % PARTS == tonumber(choice) % PARTS then
          fn(row[1], row[i], act)
        end
      end
    end
  end
end

describe("A killed run that somebody else came after", function()
  local machine, it_ = faults.machine({ journal = "journal" })
  local others = foreign.new(machine)

  -- Runs the workflow in a child that is killed there. Gives the file that it made.
  local function kill(name, where)
    local before, is_libvirt = others:files(), where:find("^vir")
    local code, _, err = faults.run(CHILD:format(RUNS[name]), {
      uri = machine.uri, args = { machine.dir, others:copy() }, fault = is_libvirt and where .. ":kill:after" or nil,
      env = { JOURNAL = machine.root .. "/journal", KILL_AFTER = not is_libvirt and where or nil },
    })
    assert.equal(128 + 9, code, err)
    for path in pairs(others:files()) do
      if not before[path] then
        return path
      end
    end
    return (name == "COMMIT" or name == "ROLLBACK") and machine.dir .. "/none" or others:copy()
  end

  local function exists(path)
    return (helper.run(("test -e %s -o -L %s"):format(path, path))) == 0
  end

  -- Everything that recover said, as text.
  local function text_of(results)
    local parts = {}
    for _, result in ipairs(results) do
      parts[#parts + 1] = tostring(result.outcome or "")
      parts[#parts + 1] = result.error and result.error.message
      for _, one in ipairs(result.left or {}) do
        parts[#parts + 1] = one.path .. ": " .. one.why
      end
    end
    return table.concat(parts, "\n")
  end

  local function recover(how)
    local ok, results = pcall(guestlua.recover, machine.host)
    local text = text_of(ok and results or results.results)
    how.text = (how.text or "") .. text
    how.error = { kind = ok and "recovered" or results.kind, message = how.text, outcome = how.text }
    return text
  end

  -- The guest as it was before the run, which gives the files its number.
  local function prepare(name)
    others:reset()
    others.number = others.number + 1
    assert(os.execute(("truncate -s 1M %s/device"):format(machine.dir)))
    if PREPARE[name] then
      others.whole = false
      PREPARE[name](others)
    end
  end

  local function print_case(name, where, how, text)
    if os.getenv("VERBOSE") then
      print(name, where, how.act:sub(1, 40), how.code, how.error.kind, text)
    end
  end

  local function run_case(name, where, act, options)
    prepare(name)
    local was = machine:chain()
    local file = kill(name, where)
    local how = { moment = where, act = act, was = was, before = others:files(), boots = options.boots }
    how.code, how.said = others:act(("F=%s; %s"):format(file, foreign.ACTS[act] or act))
    for path in pairs(others:files()) do
      how.before[path] = true
    end
    how.before[file] = options.file -- what the run made may go
    local text = recover(how)
    if options.back then
      assert(others:act(options.back) == 0)
    end
    print_case(name, where, how, text)
    others:check(how)
    if options.file and not exists(file) then
      foreign.fail(how, "%s is gone", file)
    elseif options.named and not text:find(file, 1, true) then
      foreign.fail(how, "%s stays, and is not named", file)
    elseif options.says and not text:find(options.says, 1, true) then
      foreign.fail(how, "it does not say '%s'", options.says)
    end
    if options.after then
      assert(others:act(options.after) == 0)
    end
    local other <close> = machine.host:guest("theirs") -- luacheck: ignore
    if other and other.uuid ~= machine.guest.uuid then
      other:delete_configuration()
    end
  end

  -- What was over when it was killed is not taken back; and a snapshot's overlay goes with what was written to it.
  local function allowed(name, where)
    return {
      result = where == "remove_file#1" and (name == "COPY" or name == "SWAP") and others:copy() or nil,
      removed = (name == "REVERT" or name == "FORGET") and others:copy() or nil,
    }
  end

  local function run_moment(name, where, act)
    prepare(name)
    others.whole = false
    local how = { moment = where, act = act, was = machine:chain(), before = others:files(), boots = BOOTS[name] }
    kill(name, where)
    local made = others:files()
    how.code, how.said = others:act(foreign.ACTS[act])
    for path in pairs(others:files()) do
      how.before[path] = how.before[path] or not made[path] or nil -- theirs
    end
    local text = recover(how)
    print_case(name, where, how, text)
    others:check(how, allowed(name, where))
    others:check_outcome(how)
    local left = journal.entries()
    for _, entry in ipairs(left) do
      if not entry.fields.set_aside then
        foreign.fail(how, "the entry is not set aside")
      end
    end
    recover(how) -- again: nothing more is changed
    others:check(how, allowed(name, where))
    assert.equal(#left, #journal.entries())
    others.whole = #left == 0 and name ~= "BACKUP" and not allowed(name, where).removed and act ~= "detach" and act ~= "rename" and act ~= "gone"
  end

  for _, case in ipairs(CASES) do
    local name, where, act = table.unpack(case)
    it_(("leaves what is theirs: %s at %s, %s"):format(name, where, act:gsub("%s+", " "):sub(1, 60)), function()
      local ok, e = pcall(run_case, name, where, act, case)
      if not ok then
        others.whole = false
        error(e, 0)
      end
    end)
  end

  each_case(function(name, where, act)
    it_(("leaves a guest that is whole: %s killed after %s, %s"):format(name, where, act), function()
      run_moment(name, where, act)
    end)
  end)
end)
