-- A run is killed, somebody else changes what it left, and then it is recovered: what is not provably the run's stays, and is named.

local faults = require("spec.support.faults")
local foreign = require("spec.support.foreign")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

-- The child is killed right after the n-th write of its journal, or by a fault at a call.
local CHILD = [[
  local core = require("guestlua.core")
  local write, writes, last = core.write_file, 0, tonumber(os.getenv("KILL_AFTER_WRITE") or 0)
  core.write_file = function(...)
    write(...)
    writes = writes + 1
    if writes == last then
      os.execute("kill -KILL $PPID")
    end
  end
  guestlua.journal({ dir = os.getenv("JOURNAL") })
  local host <close> = guestlua.open()
  local guest = host:guest("tiny")
  local workflow = guestlua.workflow
  local dir, number = ...
  %s
]]

local RUNS = {
  COMMIT = "workflow.snapshot_then_commit(guest, { during = function() guestlua.sleep(0.1) end })",
  COPY = 'workflow.live_snapshot(guest, "vda", dir .. "/copy-" .. number)',
  SWAP = [[workflow.swap_volume(guest, "vda", ("<disk type='file'><driver type='qcow2'/><source file='%s/copy-%s'/></disk>"):format(dir, number))]],
}

-- Of the file that the run made, $F; OTHER defines a guest with it as a disk, which does not run.
local OTHER = [[virsh define /dev/stdin <<<"<domain type='qemu'><name>theirs</name><memory unit='MiB'>64</memory><os><type>hvm</type></os>
  <devices><disk type='file'><driver name='qemu' type='qcow2'/><source file='$F'/><target dev='vda' bus='virtio'/></disk></devices></domain>"]]

-- Where it is killed, and what others do then. file: $F has to be there afterwards; named: and has to be named by recover.
local CASES = {
  { "COMMIT", "write 1", "snapshot" },
  { "COMMIT", "write 2", "undefine" },
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
  { "COPY", "write 1", "mv $F $F.theirs; echo theirs >$F", file = true, named = true },
  { "COPY", "virDomainBlockCopy#1", "pivot", file = true },
  { "COPY", "virDomainBlockCopy#1", "abort" },
  { "COPY", "virDomainBlockCopy#1", OTHER, file = true, named = true },
  { "COPY", "virDomainBlockCopy#1", "restart" },
  { "COPY", "virDomainBlockCopy#1", "virsh blockjob tiny vda --abort; rm $F; echo theirs >$F", file = true, named = true },
  { "COPY", "virDomainBlockCopy#1", "virsh blockjob tiny vda --abort; rm $F; echo theirs >$D/foreign-to; ln -s $D/foreign-to $F", file = true,
    named = true },
  { "COPY", "virDomainBlockCopy#1", "virsh blockjob tiny vda --abort; qemu-nbd --fork -t -f qcow2 -k $D/../nbd --pid-file=$D/../pid $F", file = true,
    named = true, after = "kill $(cat $D/../pid)" },
  { "SWAP", "virDomainBlockCopy#1", "pivot", file = true },
  { "SWAP", "virDomainBlockCopy#1", "abort" },
  { "SWAP", "virDomainBlockCopy#1", "snapshot" },
  { "SWAP", "virDomainBlockJobAbort#1", "snapshot", file = true },
  { "SWAP", "virDomainBlockJobAbort#1", "restart", file = true },
}

describe("A killed run that somebody else came after", function()
  local machine, missing, others

  lazy_setup(function()
    machine, missing = faults.daemon()
    others = machine and foreign.new(machine)
  end)
  lazy_teardown(function()
    if machine then
      getmetatable(machine).__close(machine)
    end
  end)

  helper.leaves_nothing(function()
    if machine then
      guestlua.journal({ dir = machine.root .. "/journal" })
    end
  end)

  -- Runs the workflow in a child that is killed there. Gives the file that it made.
  local function kill(name, where)
    local before, write = others:files(), where:match("^write (%d+)")
    others.number = others.number + 1
    local code, _, err = faults.run(CHILD:format(RUNS[name]), {
      uri = machine.uri, args = { machine.dir, others.number }, fault = not write and where .. ":kill:after" or nil,
      env = { JOURNAL = machine.root .. "/journal", KILL_AFTER_WRITE = write },
    })
    assert.equal(128 + 9, code, err)
    for path in pairs(others:files()) do
      if not before[path] then
        return path
      end
    end
    return name == "COMMIT" and machine.dir .. "/none" or ("%s/copy-%d"):format(machine.dir, others.number)
  end

  local function exists(path)
    return (helper.run(("test -e %s -o -L %s"):format(path, path))) == 0
  end

  -- Everything that recover said, as text.
  local function told(results)
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
    how.error = { kind = ok and "recovered" or results.kind, message = told(ok and results or results.results), outcome = "recovered" }
    return how.error.message
  end

  local function run_case(name, where, act, options)
    others:reset()
    local was = machine:chain()
    local file = kill(name, where)
    local how = { moment = where, act = act, was = was }
    how.code, how.said = others:act(("F=%s; %s"):format(file, foreign.ACTS[act] or act))
    how.before = others:files()
    how.before[file] = options.file -- what the run made may go
    local text = recover(how)
    if os.getenv("VERBOSE") then
      print(name, where, act:sub(1, 40), how.code, how.error.kind, text)
    end
    others:check(how)
    if options.file and not exists(file) then
      foreign.fail(how, "%s is gone", file)
    elseif options.named and not text:find(file, 1, true) then
      foreign.fail(how, "%s stays, and is not named", file)
    end
    if options.after then
      assert(others:act(options.after) == 0)
    end
    local other <close> = machine.host:guest("theirs") -- luacheck: ignore
    if other and other.uuid ~= machine.guest.uuid then
      other:delete_configuration()
    end
  end

  for _, case in ipairs(CASES) do
    local name, where, act = table.unpack(case)
    it(("leaves what is theirs: %s at %s, %s"):format(name, where, act:gsub("%s+", " "):sub(1, 60)), function()
      if not machine then
        pending(missing)
      end
      local ok, e = pcall(run_case, name, where, act, case)
      if not ok then
        others.whole = false
        error(e, 0)
      end
    end)
  end
end)
