-- As in workflow_faults_spec, for the workflows on snapshots, after which the guest boots.

local failing = require("spec.support.failing")
local guestlua = require("guestlua")
local reverted = require("spec.support.reverted")

local REVERT = 'workflow.snapshot_revert(guest, { name = "s", force = true })'
local FORGET = 'workflow.snapshot_delete(guest, { name = "s" })'

describe("A workflow", function()
  local machine, on_daemon, try = failing.machine()
  local each, is_whole = try.each, try.is_whole

  local function prepare()
    reverted.prepare(machine)
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
    each(FORGET, prepare, function(done, where)
      local names = machine.guest:get_snapshot_names()
      assert.is_true(#names == 0 or not done, where)
      is_whole(where, #names == 0 and { machine.disk } or { machine.dir .. "/disk.s", machine.disk })
      assert.equal("now", machine:sh("echo 3 >/proc/sys/vm/drop_caches; cat /data/word"), where)
      if #others() > 0 then -- it could not be removed, and was named
        assert.matches("left: " .. machine.dir .. "/" .. others()[1], where, 1, true)
        os.remove(machine.dir .. "/" .. others()[1])
      end
    end)
    prepare()
    guestlua.workflow.snapshot_delete(machine.guest, { name = "s" })
  end)

  on_daemon("that reverts to a snapshot has the guest as it was then, or as it is", function()
    each(REVERT, prepare, function(done, where)
      local word = reverted.word(machine)
      assert.equal((done or where:find("outcome: finished", 1, true)) and "then" or "now", word, where)
      is_whole(where, { machine:chain()[1], machine.disk }, "booting")
      for _, name in ipairs(others()) do
        assert.matches("left: " .. machine.dir .. "/" .. name, where, 1, true)
        os.remove(machine.dir .. "/" .. name)
      end
    end)
    prepare()
    guestlua.workflow.snapshot_revert(machine.guest, { name = "s", force = true })
    guestlua.await_agent(machine.guest, { timeout = 120 })
    assert.equal("then", machine:sh("cat /data/word"))
    guestlua.workflow.snapshot_delete(machine.guest, { name = "s" })
  end)
end)
