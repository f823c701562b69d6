-- How many backups go on at once to one target and on one machine: the others wait, and their guests are free meanwhile.

local core = require("guestlua.core")
local engine = require("guestlua.backup.engine")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local tiny = require("spec.support.tiny")

local workflow = guestlua.workflow

local DOMAIN = [[<domain type='qemu'><name>%s</name><memory>65536</memory><os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices><disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='%s'/><target dev='vda' bus='virtio'/></disk></devices>
  </domain>]]

describe("Backups of several guests", function()
  local host, dir, guests, undone

  local function it_(name, fn)
    it(name, core.nbd_copy and fn or function() pending("this was built without libnbd") end)
  end

  helper.leaves_nothing(function()
    host, dir, guests, undone = tiny.host(), helper.scratch(), {}, {}
    assert(os.execute("chmod 755 " .. dir))
    for i = 1, 4 do
      local path = ("%s/%d.qcow2"):format(dir, i)
      helper.sh("qemu-img create -q -f qcow2 %s 1M", path)
      guests[i] = host:write_instance_config(DOMAIN:format("turn" .. i, path))
    end
  end, function()
    for _, undo in ipairs(undone) do
      undo()
    end
    for _, guest in ipairs(guests) do
      guest:delete_configuration()
      guest:close()
    end
  end)

  -- From now on, how many copies go on at once to each directory; each goes on for as long as three others could begin.
  local function counted()
    local copy, now, most = engine.copy, {}, {}
    undone[1] = function() engine.copy = copy end
    function engine.copy(copies, ...)
      local directory = copies[1].made:match("^(.*)/[^/]*/")
      now[directory] = (now[directory] or 0) + 1
      now.all = (now.all or 0) + 1
      for _, key in ipairs({ directory, "all" }) do
        most[key] = math.max(most[key] or 0, now[key])
      end
      core.sleep(0.3)
      local results = copy(copies, ...)
      now[directory], now.all = now[directory] - 1, now.all - 1
      return results
    end
    return most
  end

  it_("go to a target so many at a time, and so many at a time on a machine", function()
    local one, other = dir .. "/one", dir .. "/other"
    local most = counted()
    guestlua.map(guests, function(guest, i)
      workflow.backup(guest, { to = i % 2 == 0 and one or other, per_target = 1 })
    end)
    assert.same({ 1, 1 }, { most[one], most[other] })
    assert.is_true(most.all <= 2)
    most.all = 0
    guestlua.map(guests, function(guest, i)
      workflow.backup(guest, { to = i % 2 == 0 and one or other, per_host = 1 })
    end)
    assert.equal(1, most.all)
    for i, guest in ipairs(guests) do
      assert.equal(2, #workflow.backups((i % 2 == 0 and one or other) .. "/" .. guest.name))
    end
    assert.same({ "turn2", "turn4" }, core.list_directory(one)) -- no lock stays
  end)

  it_("wait for others' turns, while their guest is nobody's", function()
    local to = dir .. "/to"
    core.make_directory(to)
    local lock = assert(core.lock(to .. "/turn.1")) -- as of another process
    local sleep, looks, over = core.sleep, 0, false
    undone[1] = function() core.sleep = sleep end
    function core.sleep(seconds)
      looks = looks + 1
      return sleep(seconds)
    end
    local task = guestlua.spawn(function()
      workflow.backup(guests[1], { to = to, per_target = 1, timeout = 60 })
      over = true
    end)
    helper.await(function() return looks > 3 end, "it does not wait")
    assert.is_false(over)
    workflow.backup(guests[1], { to = dir .. "/elsewhere" }) -- the guest is not claimed
    workflow.backup(guests[2], { to = to, per_target = 2 }) -- there is room for another
    assert.is_false(over)
    lock:release()
    task:wait()
    assert.is_true(over)
    -- who has to stop waits no longer
    lock = assert(core.lock(to .. "/turn.1"))
    looks = 0
    task = guestlua.spawn(workflow.backup, guests[1], { to = to, per_target = 1 })
    helper.await(function() return looks > 3 end, "it does not wait")
    task:cancel()
    assert.equal("cancelled", helper.failure(task.wait, task).kind)
    lock:release()
    assert.same({ "turn1", "turn2" }, core.list_directory(to))
  end)
end)
