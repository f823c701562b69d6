-- No space: for an overlay, a copy, the journal and the log. A guest that libvirt pauses for it is reported while it happens, and goes on when there
-- is room.

local core = require("guestlua.core")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local tiny = require("spec.support.tiny")

local quoted = helper.quoted
local workflow = guestlua.workflow

local is_root = core.user() == 0
local mounts = {}

-- A file system of its own for a directory, with so many KiB.
local function mount(dir, kib)
  assert(os.execute(("mkdir -p %s && mount -t tmpfs -o size=%dk,mode=700 tmpfs %s"):format(quoted(dir), kib, quoted(dir))))
  mounts[#mounts + 1] = dir
end

local function resize(dir, kib)
  assert(os.execute(("mount -o remount,size=%dk %s"):format(kib, quoted(dir))))
end

local function unmount_all()
  for i = #mounts, 1, -1 do
    os.execute("umount -l " .. quoted(mounts[i]))
    mounts[i] = nil
  end
end

describe("A workflow without space", function()
  local machine, dir, lines

  helper.leaves_nothing(function()
    lines = {}
    guestlua.log.configure({ handler = function(level, line)
      lines[#lines + 1] = level .. ": " .. line
    end })
  end, function()
    guestlua.log.configure({ file = "/dev/stderr" })
  end)

  lazy_setup(function()
    if not is_root then
      return
    end
    machine = tiny.boot({
      prepare = function(new)
        dir = new.dir .. "/small"
        mount(dir, 64 << 10)
        assert(os.execute(("chmod 777 %s && cp build/tiny/disk.qcow2 %s && chmod 666 %s/disk.qcow2"):format(dir, dir, dir)))
        mount(new.dir .. "/tight", 4 << 10) -- the guest will have written 8 MiB
        assert(os.execute(("chmod 777 %s/tight"):format(new.dir)))
        new.disk = dir .. "/disk.qcow2"
        new.cleanup = unmount_all
      end,
      edit = function(domain)
        domain.devices.disk.source.file = dir .. "/disk.qcow2"
      end,
    })
    guestlua.journal({ dir = machine.dir .. "/journal" })
  end)
  lazy_teardown(function()
    if machine then
      getmetatable(machine).__close(machine)
    end
    unmount_all()
  end)

  local function on_small(what, fn)
    it(what, function()
      if not is_root then
        pending("needs root, to mount a small file system")
      end
      fn()
    end)
  end

  local function await(condition, what)
    local deadline = guestlua.now() + 90
    while not condition() do
      assert.is_true(guestlua.now() < deadline, what .. "\n" .. table.concat(lines, "\n"))
      guestlua.sleep(0.05)
    end
  end

  local function is_paused()
    return machine.guest:get_power_state() == guestlua.power_state.PAUSED
  end

  local function has_logged(text)
    return table.concat(lines, "\n"):find(text, 1, true) ~= nil
  end

  -- As much as there is, but so many KiB.
  local function fill(kib)
    local pipe <close> = io.popen("df --output=used -k " .. quoted(dir))
    local used = pipe:read("a"):match("%d+")
    resize(dir, tonumber(used) + kib)
  end

  local number = 0
  -- In the guest, beside the script: 8 MiB that come onto the disk, once the agent has answered.
  local function write_in_guest()
    number = number + 1
    machine:sh(("(sleep 2; dd if=/dev/urandom of=/data/f bs=1M count=8 && sync && sha256sum /data/f >/tmp/sum%d.new && mv /tmp/sum%d.new /tmp/sum%d) "
      .. ">/dev/null 2>&1 </dev/null &"):format(number, number, number))
  end

  -- What the guest wrote is on the disk, and the guest as it was.
  local function is_whole()
    await(function() return not is_paused() end, "it does not go on")
    machine:sh(("until [ -e /tmp/sum%d ]; do sleep 0.1; done; echo 3 >/proc/sys/vm/drop_caches; sha256sum -c /tmp/sum%d"):format(number, number))
    assert.same({ machine.disk }, machine:chain())
    assert.is_nil(machine.guest:get_block_device("vda"):get_job_info())
    assert.same({}, guestlua.recover(machine.host))
    assert.same({}, core.list_directory(guestlua.journal()))
    assert.same({ "disk.qcow2" }, core.list_directory(dir))
  end

  on_small("for its overlay has the paused guest reported, and going on when there is room", function()
    local result = workflow.snapshot_then_commit(machine.guest, { during = function()
      fill(1 << 10)
      write_in_guest()
      await(is_paused, "it is not paused")
      await(function() return has_logged("the guest is paused: a disk failed") end, "that is not reported")
      resize(dir, 64 << 10)
      await(function() return not is_paused() and has_logged("the guest goes on") end, "it does not go on")
    end })
    assert.same({ machine.disk }, result.disks[1].images)
    is_whole()
  end)

  on_small("for what its guest writes is no success while the guest is paused, and is one once it goes on", function()
    local copy = machine.dir .. "/copy"
    finally(function() os.remove(copy) end)
    local function take(fn)
      local done = false
      return workflow.live_snapshot(machine.guest, "vda", copy, { bandwidth = 8, on_progress = function()
        if not done then
          done = true
          fill(1 << 10)
          write_in_guest()
          await(is_paused, "it is not paused")
          fn()
        end
      end })
    end
    local e = helper.failure(take, function() end)
    assert.equal("io_error", e.kind, tostring(e))
    assert.matches("the guest is paused: a disk failed %(vda: no_space%)", e.message)
    assert.matches("^undone: there is no copy", e.outcome)
    assert.is_nil(io.open(copy))
    assert.is_true(is_paused())
    resize(dir, 64 << 10)
    machine.guest:resume()
    is_whole()
    take(function()
      resize(dir, 64 << 10)
    end)
    assert.is_false(is_paused())
    assert.is_true(os.remove(copy))
    is_whole()
  end)

  on_small("for its copy fails, and leaves none", function()
    local there = machine.dir .. "/tight"
    local e = helper.failure(workflow.live_snapshot, machine.guest, "vda", there .. "/copy")
    assert.is_true(e.kind == "job_failed" or e.kind == "job_unknown", tostring(e)) -- the event of its end may be late
    assert.matches("^undone", e.outcome)
    assert.same({}, core.list_directory(there))
    assert.is_false(is_paused())
    is_whole()
  end)

  on_small("for its journal fails before anything is done, or has it undone", function()
    local there, kept = machine.dir .. "/full", guestlua.journal()
    mount(there, 4)
    guestlua.journal({ dir = there })
    finally(function() guestlua.journal({ dir = kept }) end)
    local failed, succeeded = 0, 0
    for kib = 4, 28, 4 do
      resize(there, kib)
      local ok, e = pcall(workflow.snapshot_then_commit, machine.guest)
      failed, succeeded = failed + (ok and 0 or 1), succeeded + (ok and 1 or 0)
      if not ok then
        assert.equal("no_space", e.kind, tostring(e))
        assert.matches("No space left", e.message)
      end
      assert.same({ machine.disk }, machine:chain(), kib .. " KiB: " .. tostring(e))
      assert.same({}, core.list_directory(there), kib .. " KiB: " .. tostring(e))
      assert.same({ "disk.qcow2" }, core.list_directory(dir), kib .. " KiB")
      assert.is_nil(machine.guest:get_xml_desc():find("urn:guestlua", 1, true))
    end
    assert.is_true(failed > 0 and succeeded > 0, failed .. " " .. succeeded)
  end)

  it("for the log goes on", function()
    local code, out = helper.guestlua([[-d 0 --log-file=/dev/full -c test:///default -e '
      local host <close> = guestlua.open()
      for _ = 1, 100 do guestlua.log.error(("x"):rep(1000)) end
      print(guestlua.workflow.ensure_stopped(host:guest("test"), { force = true }).changed)
      print(guestlua.workflow.ensure_running(host:guest("test")).how)']])
    assert.same({ 0, "true\nlaunched\n" }, { code, out })
  end)
end)
