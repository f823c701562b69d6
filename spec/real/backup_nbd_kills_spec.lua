-- qemu-nbd is killed in each copy of a backup, a verify, a restore and a prune: what was there before is there, and nothing else.

local core = require("guestlua.core")
local guestlua = require("guestlua")
local faults = require("spec.support.faults")
local helper = require("spec.support.helper")

local sh = helper.sh
local workflow = guestlua.workflow

-- Something with copies, of which one stops after the first data that it reads, when the qemu-nbd of this process is killed.
local CHILD = [[
  local core = require("guestlua.core")
  local nbd_copy, at, to, dir = core.nbd_copy, tonumber(os.getenv("AT")), ...
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

local BACKUP = [[guestlua.workflow.backup(host:guest("tiny"), { to = to, verify = true })]]
local VERIFY = [[guestlua.workflow.verify(to .. "/tiny")]]
local RESTORE = [[guestlua.workflow.restore(host, { from = to .. "/tiny", name = "other", to = dir })]]
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

  -- What fails of the copy of that number, with nothing changed by it.
  local function fails(what, at)
    local before = world()
    local child <close> = faults.start(CHILD:format(what), { uri = machine.uri, args = { to, machine.dir },
      env = { AT = tostring(at), XDG_STATE_HOME = machine.root .. "/state" } })
    local code, out, err = child:wait()
    local where = ("%s, copy %d: %s"):format(what, at, err)
    assert.equal(0, code, where)
    assert.is_truthy(out == "nbd_error\n" or out == "io_error\n", where .. out)
    assert.same(before, world(), where)
    assert.same({}, guestlua.recover(machine.host), where)
  end

  it_("in any copy of a backup, verify, restore or prune, that fails and changes nothing, and works the next time", function()
    write()
    local first = workflow.backup(machine.guest, { to = to })
    write()
    local second = workflow.backup(machine.guest, { to = to })
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
