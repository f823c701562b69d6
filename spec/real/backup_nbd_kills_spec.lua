-- Each qemu-nbd of a backup, a verify, a restore and a prune is killed before it is connected, and one in each copy: what was there before is there,
-- and nothing else.

local core = require("guestlua.core")
local guestlua = require("guestlua")
local faults = require("spec.support.faults")
local helper = require("spec.support.helper")

local sh = helper.sh
local workflow = guestlua.workflow

-- Something with copies, of which one stops after the first data that it reads, when the qemu-nbd of this process is killed.
local CHILD = [[
  local core = require("guestlua.core")
  local nbd_copy, at, to, dir = core.nbd_copy, not os.getenv("NEVER") and tonumber(os.getenv("AT")) or 0, ...
  function core.nbd_copy(options)
    at = at - 1
    options.rate = at == 0 and 1 or options.rate
    local job = nbd_copy(options)
    if at == 0 then
      repeat
        local over = job:wait(0.02)
      until over or job:progress().read > 0
      os.execute("pkill -KILL -P " .. core.process() .. " -x qemu-nbd")
    end
    return job
  end
  local host <close> = guestlua.open()
  local ok, e = pcall(function()
    %s
  end)
  print(e.kind)
]]

-- In place of qemu-nbd: the one of that number dies at once.
local DIES = [[#!/bin/sh
(
  flock 9 # two begin at once
  echo >&9
  [ "$(wc -l <"$COUNT")" != "$AT" ] || kill -KILL $$
) 9>>"$COUNT"
PATH=${PATH#*:}
exec qemu-nbd "$@"
]]

local BACKUP = [[guestlua.workflow.backup(host:guest("tiny"), { to = to, verify = true })]]
local VERIFY = [[guestlua.workflow.verify(to .. "/tiny")]]
local RESTORE = [[guestlua.workflow.restore(host, { from = to .. "/tiny", name = "other", to = dir })]]
local BOOT = [[guestlua.workflow.verify(to .. "/tiny", { boot = true })]]
local PRUNE = [[error(guestlua.workflow.prune(host, to .. "/tiny", { keep = { daily = 1 } }).left[1])]]

describe("If qemu-nbd is killed", function()
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
    end
  end)

  local function write()
    machine:sh("dd if=/dev/urandom of=/data/big bs=64k count=16 2>/dev/null; sync")
  end

  -- All that could have changed, but for the files' own times.
  local function world()
    local names = {}
    for i, guest in ipairs(machine.host:guests()) do
      names[i] = guest.name
      guest:close()
    end
    return { guests = names, checkpoints = machine.guest:get_checkpoint_names(), job = machine.guest:get_backup_xml() or "none",
      files = sh("cd %s && sha256sum * && ls %s", to .. "/tiny", machine.dir) }
  end

  -- Fails with one of these kinds, with nothing changed by it.
  local function fails_with(kinds, script, what, at, env)
    local before = world()
    env.AT, env.XDG_STATE_HOME = tostring(at), machine.root .. "/state"
    local child <close> = faults.start(script, { uri = machine.uri, args = { to, machine.dir }, env = env })
    local code, out, err = child:wait()
    local where = ("%s, %d: %s"):format(what, at, err)
    assert.equal(0, code, where)
    assert.is_truthy(kinds[out:match("(%S+)\n$")], where .. out)
    assert.same(before, world(), where)
    assert.same({}, guestlua.recover(machine.host), where)
  end

  -- The copy of that number.
  local function fails(what, at)
    fails_with({ nbd_error = true, io_error = true }, CHILD:format(what), what, at, {})
  end

  -- Each qemu-nbd, of which there are so many.
  local function is_not_served(what, programs)
    local count, script = machine.root .. "/count", CHILD:format(what)
    for at = 1, programs do
      os.remove(count)
      fails_with({ nbd_error = true }, script, what, at, { NEVER = "1", COUNT = count, PATH = machine.root .. "/bin:" .. os.getenv("PATH") })
      assert.is_true(at <= tonumber(sh("wc -l <%s", count)), what)
    end
  end

  it_("in any copy of a backup, verify, restore or prune, or before it is connected, that fails and changes nothing", function()
    write()
    local first = workflow.backup(machine.guest, { to = to })
    write()
    local second = workflow.backup(machine.guest, { to = to })
    sh("mkdir %s/bin", machine.root)
    local file <close> = assert(io.open(machine.root .. "/bin/qemu-nbd", "w"))
    file:write(DIES)
    file:close()
    sh("chmod 755 %s/bin/qemu-nbd", machine.root)
    is_not_served(BACKUP, 2)
    is_not_served(VERIFY, 1)
    is_not_served(BOOT, 2)
    is_not_served(RESTORE, 2)
    is_not_served(PRUNE, 3)
    fails(BACKUP, 1)
    fails(BACKUP, 2)
    fails(VERIFY, 1)
    fails(RESTORE, 1)
    fails(PRUNE, 1)
    fails(PRUNE, 2)
    assert.same({ pruned = { first.id }, merged = { second.id } }, workflow.prune(machine.host, to .. "/tiny", { keep = { daily = 1 } }))
    write()
    machine.guest:pause()
    local last = workflow.backup(machine.guest, { to = to, quiesce = false })
    assert.equal("incremental", last.level_used)
    sh("qemu-img compare -q -U %s %s/tiny/%s.vda.qcow2", machine.disk, to, last.id)
    machine.guest:resume()
    workflow.verify(to .. "/tiny", { all = true })
  end)
end)
