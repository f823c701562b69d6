-- libvirtd and QEMU are killed before each step of a backup and a restore, in the middle of the longest, and after the last: what is listed is whole,
-- what is said is true, and the next one lacks nothing.

local core = require("guestlua.core")
local guestlua = require("guestlua")
local faults = require("spec.support.faults")
local helper = require("spec.support.helper")

local sh = helper.sh
local workflow = guestlua.workflow

-- Something with steps. VICTIM, a command of the shell, is run at AT. Prints the steps, and how it ended.
local CHILD = [[
  local core = require("guestlua.core")
  local Run = require("guestlua.workflow.run")
  local at, to, dir = os.getenv("AT"), ...
  local perform, sync = Run.perform, core.sync_file
  local step
  local function kill(where)
    if where == at then
      at = nil
      os.execute(os.getenv("VICTIM"))
    end
  end
  function Run:perform(one)
    step = one[1]
    print("step " .. step)
    kill("before " .. step)
    perform(self, one)
    kill("after " .. step)
  end
  local moment = require("guestlua.backup.moment")
  local note = moment.note_scratch
  function moment.note_scratch(...) -- the job goes on
    kill("in copy")
    return note(...)
  end
  function core.sync_file(...)
    sync(...)
    kill("in copy")
  end
  local host <close> = guestlua.open()
  local ok, e = pcall(function()
    %s
  end)
  print(ok and "done" or ("%%s: %%s"):format(e.kind, e.outcome))
]]

local PULL = [[guestlua.workflow.backup(host:guest("tiny"), { to = to, verify = true, keep = { full = 1, increments = 1 } })]]
local PUSH = [[guestlua.workflow.backup(host:guest("tiny"), { to = to, mode = "push" })]]
local RESTORE = [[guestlua.workflow.restore(host, { from = to .. "/tiny", name = "other", to = dir, start = true })]]

-- The places of each, in order.
local OF_PULL = { "before make", "before begin", "before copy", "in copy", "before end", "before verify", "before write", "after write" }
local OF_PUSH = { "before make", "before begin", "before copy", "in copy", "before end", "before write", "after write" }
local OF_RESTORE = { "before make", "before copy", "in copy", "before define", "before start", "after start" }

describe("If somebody kills", function()
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

  local function start(script, victim, at)
    return faults.start(CHILD:format(script), { uri = machine.uri, args = { to, machine.dir },
      env = { VICTIM = victim, AT = at, XDG_STATE_HOME = machine.root .. "/state" } })
  end

  -- What a child's last line says: its kind, or "done"; and the outcome.
  local function said(child, where)
    local code, out, err = child:wait()
    assert.equal(0, code, where .. ": " .. err)
    local last = out:match("([^\n]*)\n$")
    return last:match("^[%w_]+"), last:match(": (.*)$") or ""
  end

  -- Whether a process is gone: one that nobody has waited for yet has no arguments any more.
  local function is_gone(pid)
    local file <close> = io.open(("/proc/%d/cmdline"):format(pid))
    return not file or file:read(1) == nil
  end

  local function kill_libvirtd(script, where)
    local pid = machine.pid
    local child <close> = start(script, "kill -KILL " .. pid, where)
    helper.await(function() return is_gone(pid) end, where)
    machine:restart({ kill = true })
    return said(child, where)
  end

  -- Recovers. What is said to be undone has left nothing to recover.
  local function settle(where, kind, outcome)
    local results
    helper.await(function() -- who thaws the guest after a kill recovers it as well
      local ok, e = pcall(guestlua.recover, machine.host)
      assert.is_truthy(ok or e.kind == "busy", where .. ": " .. tostring(e))
      results = ok and e
      return ok
    end, where)
    if kind == "done" or outcome:find("^undone") then
      assert.same({}, results, ("%s: %s: %s"):format(where, kind, outcome))
    end
    assert.same({}, guestlua.recover(machine.host), where)
    return results
  end

  -- ---- backups ----

  -- What is listed is whole, the guest is as it was, and the next backup has all that its disk has.
  local function check(where, mode)
    assert.is_nil(machine.guest:get_backup_xml(), where)
    assert.equal("", sh("ls -d %s/*guestlua-* 2>/dev/null || :", machine.dir), where)
    local directory = to .. "/tiny"
    if machine.guest:get_info().domain_state == "running" then
      machine:sh("dd if=/dev/urandom of=/data/next bs=64k count=2 2>/dev/null; sync")
      machine.guest:pause()
    end
    local result = workflow.backup(machine.guest, { to = to, quiesce = false, mode = mode })
    sh("qemu-img compare -q -U %s %s/%s.vda.qcow2", machine.disk, directory, result.id)
    machine.guest:resume()
    assert.is_nil(result.warnings, where)
    assert.same({ result.checkpoint }, machine.guest:get_checkpoint_names(), where)
    workflow.verify(directory, { all = true })
    return result
  end

  -- The backups that are listed: one more if it was done, or reported as whole, and otherwise those that were there. Each checkpoint is of one.
  local function check_list(where, before, kind, outcome)
    local list = workflow.backups(to .. "/tiny")
    assert.same({}, list.problems, where)
    local more = list[#list].id ~= before[#before].id
    assert.equal(kind == "done" or outcome:find("the backup is whole", 1, true) ~= nil, more, ("%s: %s: %s"):format(where, kind, outcome))
    local known = {} -- also that of one that `keep` has just removed: the next backup deletes it
    for _, one in ipairs(table.move(before, 1, #before, #list + 1, list)) do
      known[one.checkpoint or ""] = true
    end
    for _, name in ipairs(machine.guest:get_checkpoint_names()) do
      assert.is_truthy(known[name], where .. ": " .. name)
    end
  end

  local function each_place(script, places, fn)
    workflow.backup(machine.guest, { to = to })
    local child <close> = start(script, "false", "never")
    assert.equal("done", (said(child, "never")))
    local _, out = child:wait()
    local steps = {} -- no step is left out
    for step in out:gmatch("step ([^\n]+)") do
      steps[#steps + 1] = "before " .. step
      steps[#steps + 1] = step == "copy" and "in copy" or nil
    end
    steps[#steps + 1] = places[#places]
    assert.same(places, steps)
    for _, where in ipairs(places) do
      fn(where)
    end
  end

  for _, row in ipairs({ { "pull", PULL, OF_PULL }, { "push", PUSH, OF_PUSH } }) do
    local mode, script, places = table.unpack(row)

    it_(("libvirtd at any step of a backup in %s mode, that is whole or not there"):format(mode), function()
      each_place(script, places, function(where)
        machine:sh("dd if=/dev/urandom of=/data/big bs=64k count=8 2>/dev/null; sync")
        local before = workflow.backups(to .. "/tiny")
        local kind, outcome = kill_libvirtd(script, where)
        settle(where, kind, outcome)
        check_list(where, before, kind, outcome)
        assert.equal("running", machine.guest:get_info().domain_state, where)
        check(where, mode)
      end)
    end)

    it_(("QEMU at any step of a backup in %s mode, whole or not there, and the next says why it is full"):format(mode), function()
      each_place(script, places, function(where)
        local before = workflow.backups(to .. "/tiny")
        local child <close> = start(script, "kill -KILL " .. machine:emulator(), where)
        local kind, outcome = said(child, where)
        helper.await(function()
          return not machine.guest:is_active()
        end, where)
        settle(where, kind, outcome)
        check_list(where, before, kind, outcome)
        machine.guest:launch({ pause = true }) -- no need to wait for its boot
        assert.matches("bitmap is missing or broken", check(where, mode).disks[1].because, 1, where)
        machine:reset()
        workflow.backup(machine.guest, { to = to })
        machine:sh("dd if=/dev/urandom of=/data/big bs=64k count=8 2>/dev/null; sync")
      end)
    end)
  end

  -- ---- restores ----

  -- The guest is there with its file, or neither is. Whoever heard that it was done has it. Then neither is, and the backups are as they were.
  local function check_restored(where, kind, sums)
    do
      local guest <close> = machine.host:guest("other")
      -- what QEMU has logged of its console, in console.log.other, stays
      assert.equal(guest and "other-vda.qcow2\n" or "", sh("ls %s | grep ^other || :", machine.dir), where)
      if kind == "done" then
        assert.is_truthy(guest, where)
      end
      if guest then
        if guest:is_active() then
          guest:poweroff()
        end
        sh(where == "after start" and "qemu-img check -q %s/other-vda.qcow2" or "qemu-img compare -q %s/other-vda.qcow2 %s/tiny/%s.vda.qcow2",
          machine.dir, to, workflow.backups(to .. "/tiny")[1].id)
        guest:delete_configuration()
        os.remove(machine.dir .. "/other-vda.qcow2")
      end
    end
    assert.equal(sums, sh("cd %s/tiny && sha256sum 2*", to), where)
    assert.equal("running", machine.guest:get_info().domain_state, where)
  end

  local function remove_other()
    local guest <close> = machine.host:guest("other", { required = true })
    guest:poweroff()
    guest:delete_configuration()
    os.remove(machine.dir .. "/other-vda.qcow2")
  end

  it_("libvirtd at any step of a restore, that has made a guest or leaves nothing", function()
    local sums
    each_place(RESTORE, OF_RESTORE, function(where)
      if not sums then
        remove_other()
        sums = sh("cd %s/tiny && sha256sum 2*", to)
      end
      local kind, outcome = kill_libvirtd(RESTORE, where)
      settle(where, kind, outcome)
      check_restored(where, kind, sums)
    end)
  end)

  it_("QEMU of the restored guest as soon as there is one, or when it has started, that is no guest, or one that is off", function()
    workflow.backup(machine.guest, { to = to })
    local sums = sh("cd %s/tiny && sha256sum 2*", to)
    local victim = ("pkill -KILL -P %s -f guest=other,"):format(sh("cat %s/pid", machine.root):match("%d+"))
    for where, command in pairs({ ["after start"] = victim,
      ["before start"] = ("timeout 60 sh -c 'until %s; do sleep 0.01; done' >/dev/null 2>&1 &"):format(victim) }) do
      local child <close> = start(RESTORE, command, where)
      local kind, outcome = said(child, where)
      assert.equal(where == "after start", kind == "done", where)
      assert.matches(kind == "done" and "" or "^undone: no guest was made", outcome)
      settle(where, kind, outcome)
      check_restored(where, kind, sums)
    end
  end)
end)
