-- libvirtd and QEMU are killed before and after each step of a backup: what is listed is whole, and the next one lacks nothing.

local core = require("guestlua.core")
local guestlua = require("guestlua")
local faults = require("spec.support.faults")
local helper = require("spec.support.helper")

local sh = helper.sh
local workflow = guestlua.workflow

-- A backup, in which a process is killed at the beginning or the end of a step. Prints the steps.
local CHILD = [[
  local Run = require("guestlua.workflow.run")
  local victim, at = os.getenv("VICTIM"), os.getenv("AT")
  local perform = Run.perform
  local function kill(where)
    if where == at then
      os.execute("kill -KILL " .. victim)
    end
  end
  function Run:perform(step)
    print(step[1])
    kill("before " .. step[1])
    perform(self, step)
    kill("after " .. step[1])
  end
  local host <close> = guestlua.open()
  guestlua.workflow.backup(host:guest("tiny"), { to = ..., verify = true, keep = { full = 1, increments = 1 } })
]]

describe("A backup", function()
  local to
  local machine, it_ = faults.machine({
    lacks = function()
      return not core.nbd_copy and "this was built without libnbd" or nil
    end,
  })

  helper.leaves_nothing(function()
    if machine.uri then
      guestlua.journal({ dir = machine.root .. "/state/guestlua/journal" })
      to = machine.root .. "/to"
      assert(os.execute("rm -rf " .. to .. " && mkdir " .. to))
      machine:reset()
    end
  end)

  local function start(victim, at)
    return faults.start(CHILD, { uri = machine.uri, args = { to }, env = { VICTIM = victim, AT = at, XDG_STATE_HOME = machine.root .. "/state" } })
  end

  -- Whether a process is gone: one that nobody has waited for yet has no arguments any more.
  local function is_gone(pid)
    local file <close> = io.open(("/proc/%d/cmdline"):format(pid))
    return not file or file:read(1) == nil
  end

  -- What is listed is whole, the guest is as it was, and the next backup has all that its disk has.
  local function check(where)
    helper.await(function() -- who thaws the guest after a kill recovers it as well
      local ok, e = pcall(guestlua.recover, machine.host)
      assert.is_truthy(ok or e.kind == "busy", where .. ": " .. tostring(e))
      return ok
    end, where)
    assert.is_nil(machine.guest:get_backup_xml(), where)
    assert.equal("", sh("ls -d %s/*guestlua-* 2>/dev/null || :", machine.dir), where)
    local directory = to .. "/tiny"
    local before = workflow.backups(directory)
    assert.same({}, before.problems, where)
    assert.is_true(#before > 0, where)
    machine:sh("dd if=/dev/urandom of=/data/next bs=64k count=2 2>/dev/null; sync")
    machine.guest:pause()
    local result = workflow.backup(machine.guest, { to = to, quiesce = false })
    sh("qemu-img compare -q -U %s %s/%s.vda.qcow2", machine.disk, directory, result.id)
    machine.guest:resume()
    assert.is_nil(result.warnings, where)
    assert.same({ result.checkpoint }, machine.guest:get_checkpoint_names(), where)
    workflow.verify(directory, { all = true })
    return result
  end

  local function each_step(fn)
    workflow.backup(machine.guest, { to = to })
    local child <close> = start("none", "never")
    local code, out, err = child:wait()
    assert.equal(0, code, err)
    local count = 0
    for step in out:gmatch("%S+") do
      for _, when in ipairs({ "before ", "after " }) do
        fn(when .. step)
        count = count + 1
      end
    end
    assert.equal(2 * 6, count)
  end

  it_("during which libvirtd is killed, at each step, is whole or not there", function()
    each_step(function(where)
      machine:sh("dd if=/dev/urandom of=/data/big bs=64k count=8 2>/dev/null; sync")
      local pid = machine.pid
      local child <close> = start(pid, where)
      helper.await(function() return is_gone(pid) end, where)
      machine:restart({ kill = true })
      local code, _, err = child:wait()
      assert.is_truthy(code == 0 or code == 1, where .. ": " .. err)
      check(where)
    end)
  end)

  it_("during which QEMU is killed, at each step, is whole or not there, and the next one says why it is full", function()
    each_step(function(where)
      local child <close> = start(machine:emulator(), where)
      local code, _, err = child:wait()
      assert.is_truthy(code == 0 or code == 1, where .. ": " .. err)
      helper.await(function()
        return not machine.guest:is_active()
      end, where)
      pcall(guestlua.recover, machine.host)
      machine.guest:launch()
      guestlua.await_agent(machine.guest, { timeout = 180 })
      assert.matches("bitmap is missing or broken", check(where).disks[1].because, 1, where)
    end)
  end)
end)
