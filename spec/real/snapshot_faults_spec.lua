-- As in workflow_faults_spec, for the workflows on snapshots, after which the guest boots.

local failing = require("spec.support.failing")
local guestlua = require("guestlua")

local REVERT = 'workflow.snapshot_revert(guest, { name = "s", force = true })'
local FORGET = 'workflow.snapshot_delete(guest, { name = "s" })'

describe("A workflow", function()
  local machine, on_daemon, try = failing.machine()
  local each, is_whole = try.each, try.is_whole

  -- There is a snapshot, and the guest says what it has on its disk: a word from before the snapshot, or a later one.
  local function with_snapshot()
    guestlua.await_agent(machine.guest, { timeout = 120 })
    if #machine.guest:get_snapshot_names() == 0 then
      machine:sh("echo then >/data/word; sync")
      machine.guest:snapshot("<domainsnapshot><name>s</name></domainsnapshot>", { disk_only = true })
    end
    machine:sh("echo now >/data/word; sync")
  end

  -- The files of images that there are, besides those of the chain.
  local function others()
    local list = {}
    for _, name in ipairs(require("guestlua.core").list_directory(machine.dir)) do
      local used = name:find("%.log$")
      for _, image in ipairs(machine:chain()) do
        used = used or image == machine.dir .. "/" .. name
      end
      list[#list + 1] = not used and name or nil
    end
    return list
  end

  on_daemon("that deletes a snapshot has it merged, or has it still", function()
    each(FORGET, with_snapshot, function(done, where)
      local names = machine.guest:get_snapshot_names()
      assert.is_true(#names == 0 or not done, where)
      is_whole(where, #names == 0 and { machine.disk } or { machine.dir .. "/disk.s", machine.disk })
      assert.equal("now", machine:sh("echo 3 >/proc/sys/vm/drop_caches; cat /data/word"), where)
      if #others() > 0 then -- it could not be removed, and was named
        assert.matches("left: " .. machine.dir .. "/" .. others()[1], where, 1, true)
        os.remove(machine.dir .. "/" .. others()[1])
      end
    end)
    with_snapshot()
    guestlua.workflow.snapshot_delete(machine.guest, { name = "s" })
  end)

  on_daemon("that reverts to a snapshot has the guest as it was then, or as it is", function()
    each(REVERT, with_snapshot, function(done, where)
      guestlua.await_agent(machine.guest, { timeout = 120 })
      local reverted = machine:sh("cat /data/word") == "then"
      assert.is_true(reverted or not done, where)
      assert.equal(reverted, done or where:find("outcome: finished", 1, true) ~= nil, where)
      is_whole(where, { machine:chain()[1], machine.disk })
      for _, name in ipairs(others()) do
        assert.matches("left: " .. machine.dir .. "/" .. name, where, 1, true)
        os.remove(machine.dir .. "/" .. name)
      end
    end)
    guestlua.workflow.snapshot_delete(machine.guest, { name = "s" })
  end)
end)
