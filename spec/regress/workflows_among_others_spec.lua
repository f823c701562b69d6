-- Faults of workflows that trusted the plan which they remembered, seen on release 0.1:
--
--  - swap_volume was killed after the pivot, a backup put a snapshot on top, and recover deleted the volume below it, which the guest needs.
--  - Somebody pivoted the copy of live_snapshot by hand: its undo deleted the image that the guest wrote to by then, and said "there is no copy".
--  - Images that differ in their last suffix only got the same overlay name in the same millisecond.
--  - Two runs overlapped on one guest: the first deleted the base of the second, and from then on every recover failed.
--  - A disk with a source that has no name was left out of "all disks" without a word.
--  - SIGHUP ended the process without undoing.

local faults = require("spec.support.faults")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local workflow = guestlua.workflow

local CHILD = [[
  local host <close> = guestlua.open()
  local guest = host:guest("tiny")
  local workflow, dir = guestlua.workflow, ...
  %s
]]

local function exists(path)
  local file <close> = io.open(path)
  return file ~= nil
end

describe("A workflow among others", function()
  local machine, on_daemon = faults.machine({ journal = "state/guestlua/journal", fresh = true })

  local function options(more)
    local all = { uri = machine.uri, args = { machine.dir }, env = { XDG_STATE_HOME = machine.root .. "/state" } }
    for key, value in pairs(more or {}) do
      all[key] = value
    end
    return all
  end

  local function virsh(command)
    return helper.run(("virsh -c '%s' %s"):format(machine.uri, command))
  end

  local function await_output(child, text)
    helper.await(function()
      local file <close> = io.open(child.dir .. "/out")
      return file and file:read("a"):find(text, 1, true)
    end)
  end

  on_daemon("does not delete a volume that a snapshot is based on by now", function()
    local volume, nightly = machine.dir .. "/volume", machine.dir .. "/nightly"
    local code = faults.run(CHILD:format([[workflow.swap_volume(guest, "vda",
      "<disk type='file'><driver type='qcow2'/><source file='" .. dir .. "/volume'/></disk>")]]),
      options({ fault = "virDomainBlockJobAbort#1:kill:after" }))
    assert.equal(128 + 9, code)
    helper.await(function() return machine:chain()[1] == volume end)
    code = virsh(("snapshot-create-as tiny nightly --disk-only --no-metadata --diskspec vda,snapshot=external,file=%s"):format(nightly))
    assert.equal(0, code)
    local done = guestlua.recover(machine.host)
    assert.matches("^finished: the guest has moved to ", done[1].outcome)
    assert.same({ nightly, volume }, machine:chain())
    assert.is_true(exists(volume))
    machine:sh("dd if=/dev/vda of=/dev/null bs=1M 2>/dev/null")
  end)

  on_daemon("does not delete a copy that the guest was moved to", function()
    machine:sh("dd if=/dev/urandom of=/data/x bs=1M count=6 2>/dev/null; sync; sha256sum /data/x >/tmp/x")
    local copy, acted = machine.dir .. "/copy", false
    local e = helper.failure(workflow.live_snapshot, machine.guest, "vda", copy, {
      bandwidth = 1,
      on_progress = function()
        if not acted then
          acted = true
          virsh("blockjob tiny vda --bandwidth 1000")
          helper.await(function() return virsh("blockjob tiny vda --pivot") == 0 end)
        end
      end,
    })
    assert.equal("conflict", e.kind)
    assert.matches("^the guest has moved to the copy", e.outcome)
    assert.equal(copy, e.left[1].path)
    assert.same({ copy }, machine:chain())
    assert.is_true(exists(copy))
    assert.is_true(exists(machine.disk))
    machine:sh("echo 3 >/proc/sys/vm/drop_caches; sha256sum -c /tmp/x >/dev/null")
  end)

  on_daemon("gives each disk an overlay of its own name", function()
    for suffix, target in pairs({ ["local"] = "vdb", eph0 = "vdc" }) do
      local path = machine.dir .. "/disk." .. suffix
      assert(os.execute(("qemu-img create -q -f qcow2 %s 16M"):format(path)))
      machine.guest:attach_device(guestlua.device.disk({ type = "file", driver = { name = "qemu", type = "qcow2" }, source = { file = path },
        target = { dev = target, bus = "virtio" } }), { live = true, persistent = true })
    end
    local names = {}
    local result = workflow.snapshot_then_commit(machine.guest, {
      during = function(disks)
        for _, disk in ipairs(disks) do
          names[disk.overlay] = true
        end
      end,
    })
    local count = 0
    for _ in pairs(names) do
      count = count + 1
    end
    assert.same({ 3, 3 }, { count, #result.disks })
    assert.is_nil(result.left)
  end)

  on_daemon("is the only run on its guest", function()
    local script = CHILD:format([[workflow.snapshot_then_commit(guest, { during = function()
      print("during") io.stdout:flush() guestlua.sleep(600)
    end })]])
    local child <close> = faults.start(script, options())
    await_output(child, "during")
    local e = helper.failure(workflow.snapshot_then_commit, machine.guest, {})
    assert.same({ "busy", "claim", "snapshot_then_commit", tostring(child.pid) }, { e.kind, e.step, e.holder.workflow, e.holder.process })
    assert.matches("^%d+%-%d+%-%d+T", e.holder.since)
    e = helper.failure(workflow.attach_with_retry, machine.guest, "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>")
    assert.equal("busy", e.kind)
    child:kill("INT")
    assert.equal(130, (child:wait()))
    assert.same({ machine.disk }, machine:chain())
    assert.same({}, guestlua.recover(machine.host))
    workflow.snapshot_then_commit(machine.guest, {})
    assert.is_nil(machine.guest:get_xml_desc():find("urn:guestlua", 1, true))
  end)

  on_daemon("undoes what it did when the terminal goes away", function()
    for _, script in ipairs({
      "local frozen <close> = guest:frozen({ timeout = 30 }) print('now') io.stdout:flush() guestlua.sleep(600)",
      "workflow.snapshot_then_commit(guest, { during = function() print('now') io.stdout:flush() guestlua.sleep(600) end })",
    }) do
      local child <close> = faults.start(CHILD:format(script), options())
      await_output(child, "now")
      child:kill("HUP")
      child:kill("HUP") -- the kernel sends one, and the shell another
      assert.equal(129, (child:wait()))
      assert.matches('"thawed"', machine.guest:agent_command('{"execute":"guest-fsfreeze-status"}'))
      assert.same({ machine.disk }, machine:chain())
      assert.same({}, guestlua.recover(machine.host))
    end
  end)

  on_daemon("names a disk that it cannot take", function()
    local socket, pid = machine.dir .. "/nbd.sock", machine.dir .. "/nbd.pid"
    assert(os.execute(("truncate -s 8M %s/nbd.raw && qemu-nbd -f raw -t -k %s --fork --pid-file=%s %s/nbd.raw"):format(
      machine.dir, socket, pid, machine.dir)))
    finally(function()
      os.execute(("kill $(cat %s)"):format(pid))
    end)
    machine.guest:attach_device(("<disk type='network' device='disk'><driver name='qemu' type='raw'/><source protocol='nbd'>"
      .. "<host transport='unix' socket='%s'/></source><target dev='vdb' bus='virtio'/></disk>"):format(socket), { live = true })
    local e = helper.failure(workflow.snapshot_then_commit, machine.guest, {})
    assert.same({ "argument_unsupported", "vdb", "look" }, { e.kind, e.device, e.step })
    local result = workflow.snapshot_then_commit(machine.guest, { disks = { "vda" } })
    assert.equal("vda", result.disks[1].target)
  end)
end)
