-- A backup is booted to see whether it boots, and thrown away.

local core = require("guestlua.core")
local guestlua = require("guestlua")
local faults = require("spec.support.faults")
local helper = require("spec.support.helper")

local sh = helper.sh
local workflow = guestlua.workflow

describe("A verify that boots", function()
  local reason = not core.nbd_copy and "this was built without libnbd" or nil
  local function it_(name, fn)
    it(name, reason and function() pending(reason) end or fn)
  end

  local machine = helper.machine()
  local directory

  local function backup()
    return workflow.backup(machine.guest, { to = machine.dir .. "/to" })
  end

  local first, configuration
  -- Changes what the guest starts with the next time, which is what a backup has of its configuration.
  local function configure(edit)
    local element = core.element(configuration)
    edit(element)
    machine.host:write_instance_config(element):close()
  end

  local function without_agent(element)
    element.devices.channel = nil
  end

  lazy_setup(function()
    if not reason then
      configuration = machine.guest:get_xml_desc({ dump_inactive = true })
      machine:sh("echo saved >/data/word; sync")
      first = backup()
      directory = first.directory
      machine:sh("echo changed >/data/word; sync")
      backup()
    end
  end)

  -- The arguments of all programs.
  local function programs()
    local list = {}
    for _, pid in ipairs(core.list_directory("/proc")) do
      local file <close> = pid:find("^%d+$") and io.open("/proc/" .. pid .. "/cmdline") or nil
      list[#list + 1] = file and file:read("a") or nil
    end
    return list
  end

  -- Whether a program, of that name if there is one, has that directory in its arguments.
  local function runs(root, name)
    for _, arguments in ipairs(programs()) do
      if arguments:find(root .. "/", 1, true) and arguments:find(name or "", 1, true) then
        return true
      end
    end
    return false
  end

  -- The directory of a boot of these backups; nil: there is none.
  local function booting()
    for _, arguments in ipairs(programs()) do
      local root = arguments:find(directory, 1, true) and arguments:match("/var/tmp/guestlua%-%x+")
      if root then
        return root
      end
    end
  end

  local function check_nothing_left(root)
    helper.await(function()
      return not core.identify(root) and not runs(root)
    end, "something of it is left: " .. root)
  end

  helper.leaves_nothing(nil, function()
    if not reason then
      configure(function() end)
      assert.is_nil(booting())
    end
  end)

  it_("says how long it took, and what the command said, and does not write to the backup", function()
    local look = "cd %s && stat -c '%%n %%s %%y %%U' *.* && sha256sum *.*"
    local before = sh(look, directory)
    local result = workflow.verify(directory, { boot = true, command = { "cat", "/data/word" } })
    assert.equal(1, #result)
    assert.is_true(result[1].ok)
    assert.is_true(result[1].boot.agent_seconds > 0)
    assert.same({ "changed\n", "", 0 }, { result[1].boot.output, result[1].boot.errors, result[1].boot.exit_code })
    result = workflow.verify(directory, { boot = true, at = first.id, command = { "sh", "-c", "cat /data/word; echo new >/data/word; sync; "
      .. "ls /sys/class/net; echo hm >&2" } })
    assert.same({ "saved\nlo\n", "hm\n" }, { result[1].boot.output, result[1].boot.errors }) -- there is no network
    assert.equal(before, sh(look, directory))
  end)

  it_("fails if the command does, if the guest does not come up, and if nobody could see whether it does", function()
    local e = helper.failure(workflow.verify, directory, { boot = true, command = { "sh", "-c", "echo out; echo err >&2; exit 7" } })
    assert.equal("boot_failed", e.kind)
    assert.same({ 7, "out\n", "err\n" }, { e.exit_code, e.output, e.errors })
    assert.matches("ended with 7", e.message)
    assert.is_false(e.results[1].ok)
    e = helper.failure(workflow.verify, directory, { boot = true, command = { "/none" } })
    assert.equal("boot_failed", e.kind)
    assert.equal("bad_argument", helper.failure(workflow.verify, directory, { boot = true, command = {} }).kind)
    assert.equal("bad_argument", helper.failure(workflow.verify, directory, { boot = true, command = { a = "b" } }).kind)
    assert.equal("bad_argument", helper.failure(workflow.verify, directory, { command = { "true" } }).kind)
    -- a damaged disk, with all checksums right
    machine:sh("echo >/data/keep; sync; umount /data; dd if=/dev/zero of=/dev/vda bs=64k count=16 2>/dev/null; sync")
    backup()
    e = helper.failure(workflow.verify, directory, { boot = true, command = { "grep", "-q", "/data", "/proc/mounts" }, boot_timeout = 180 })
    assert.equal("boot_failed", e.kind)
    assert.matches("mounting /dev/vda on /data failed", e.console)
    -- a kernel that panics
    configure(function(inactive)
      inactive.os.cmdline = "console=ttyS0 init=/none rdinit=/none"
    end)
    backup()
    for _, seconds in ipairs({ 15, 60, 180 }) do -- it never answers, but on a busy machine it takes its time to panic
      e = helper.failure(workflow.verify, directory, { boot = true, boot_timeout = seconds })
      assert.equal("boot_failed", e.kind)
      assert.matches(("has not answered within %d s"):format(seconds), e.message)
      if e.console:find("anic") then
        break
      end
    end
    assert.matches("anic", e.console)
    -- no agent
    configure(without_agent)
    backup()
    assert.equal("argument_unsupported", helper.failure(workflow.verify, directory, { boot = true }).kind)
    assert.equal("changed\n", workflow.verify(directory, { boot = true, at = workflow.backups(directory)[2].id,
      command = { "cat", "/data/word" } })[1].boot.output)
  end)

  local SCRIPT = [[
    local directory, at = ...
    guestlua.workflow.verify(directory, { boot = true, at = at, command = { "sleep", "1000" } })]]

  it_("leaves nothing if it has to stop, or killed", function()
    for _, signal in ipairs({ "TERM", "KILL" }) do
      local child <close> = faults.start(SCRIPT, { args = { directory, first.id } })
      local root
      helper.await(function()
        root = booting()
        return root and runs(root, "qemu-system") and core.identify(root .. "/inside.pid")
      end, "it does not boot")
      local looker = sh("tail -f %s/inside.pid >/dev/null 2>&1 & echo $!", root):match("%d+") -- somebody who only looks
      local ended <close> = setmetatable({}, { __close = function() -- luacheck: ignore ended
        os.execute("kill " .. looker .. " 2>/dev/null")
      end })
      child:kill(signal)
      assert.equal(128 + (signal == "TERM" and 15 or 9), (child:wait()))
      helper.await(function()
        return not core.identify(root) and not core.identify(root .. ".over") and not runs(root, "qemu")
      end, "something of it is left: " .. root)
      sh("kill %s", looker)
      check_nothing_left(root)
    end
    local root
    local task = guestlua.spawn(workflow.verify, directory, { boot = true, at = first.id, command = { "sleep", "1000" } })
    helper.await(function()
      root = booting()
      return root
    end, "it does not boot")
    task:cancel()
    assert.equal("cancelled", helper.failure(task.wait, task).kind)
    check_nothing_left(root)
  end)

  it_("is part of a backup, which stays if it does not boot, and so do the older ones", function()
    local to = machine.dir .. "/own"
    local one = workflow.backup(machine.guest, { to = to })
    configure(without_agent)
    local e = helper.failure(workflow.backup, machine.guest, { to = to, verify = "boot", keep = { daily = 1 } })
    assert.same({ "argument_unsupported", "boot", "the backup is whole" }, { e.kind, e.step, e.outcome })
    local list = workflow.backups(one.directory)
    assert.same({ one.id, true }, { list[1].id, list[2].verified })
    assert.equal("bad_argument", helper.failure(workflow.backup, machine.guest, { to = to, verify = "some" }).kind)
    configure(function() end)
    local done = workflow.backup(machine.guest, { to = to, verify = "boot", keep = { daily = 1 } })
    assert.is_true(done.boot.agent_seconds > 0)
    assert.equal(2, #done.pruned)
  end)

  it_("is an option of the command, for which a boot that fails is an exit code", function()
    local code, out = helper.guestlua(("verify --boot --run 'cat /data/word' --at=%s %s"):format(first.id, directory))
    assert.equal(0, code)
    assert.matches("booted in %d+%.%d s", out)
    code = helper.guestlua(("verify --boot --run false --at=%s %s"):format(first.id, directory))
    assert.equal(1, code)
  end)
end)
