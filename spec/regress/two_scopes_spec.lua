-- Several scopes of one state of one guest, in tasks and in processes.
--
--   The first of two paused scopes resumed the guest at its end, within the second.
--   The recovery of a killed scope did so too, within one that lived; and it thawed what another one had frozen since, and took its device away.
--   Two scopes that began at once both looked before either had attached the device: the second failed, and took the device of the first away.

local core = require("guestlua.core")
local faults = require("spec.support.faults")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

describe("Scopes of one guest at once", function()
  local machine, it_ = faults.machine({ journal = "journal", each = function(machine)
    machine:reset()
  end })

  -- A process that is in a scope until the signal USR2 comes, or it is killed. What keeps it from that is in what it prints.
  local function elsewhere(scope)
    local child = faults.start([[
      require("guestlua.core").watchdog = error -- nobody recovers it first
      local dir, leave = ...
      guestlua.journal({ dir = dir })
      local host <close> = guestlua.open()
      local guest = host:guest("tiny")
      local scope <close> = guest:]] .. scope .. "\n" .. [[
      print("in it") io.stdout:flush()
      repeat
        guestlua.sleep(0.05)
      until io.open(leave)
    ]], { uri = machine.uri, args = { machine.root .. "/journal", machine.root .. "/leave" } })
    os.remove(machine.root .. "/leave")
    helper.await(function()
      local file <close> = io.open(child.dir .. "/out")
      return file and file:read("a") == "in it\n"
    end, "it does not begin", 60)
    return child
  end

  local function leave(child)
    io.open(machine.root .. "/leave", "w"):close()
    local code, _, err = child:wait()
    assert.equal(0, code, err)
  end

  local function kill(child)
    child:kill()
    assert.equal(128 + 9, (child:wait()))
  end

  local function state()
    return machine.guest:get_info().domain_state
  end

  local function is_frozen()
    return machine.guest:agent_command('{"execute":"guest-fsfreeze-status"}'):find('"frozen"', 1, true) ~= nil
  end

  local function recovered()
    local results = guestlua.recover(machine.host)
    assert.equal(1, #results)
    return results[1].outcome
  end

  -- No entry and no lock is left.
  local function clean()
    assert.same({}, core.list_directory(machine.root .. "/journal"))
  end

  it_("is paused until the last of them is over, in any order", function()
    for _, order in ipairs({ { 1, 2, 3 }, { 1, 3, 2 }, { 3, 1, 2 }, { 2, 3, 1 } }) do
      local scopes = {}
      for i = 1, 3 do
        scopes[i] = machine.guest:paused()
      end
      for i, which in ipairs(order) do
        assert.equal("paused", state())
        scopes[which]:close()
        assert.equal(i < 3 and "paused" or "running", state())
      end
    end
    machine.guest:pause()
    machine.guest:paused():close()
    assert.equal("paused", state())
    machine.guest:resume()
    clean()
  end)

  it_("is paused until the last of them is over, in whichever process", function()
    local child <close> = elsewhere("paused()")
    do
      local paused <close> = machine.guest:paused() -- luacheck: ignore paused
    end
    assert.equal("paused", state())
    local second <close> = machine.guest:paused() -- luacheck: ignore second
    leave(child)
    assert.equal("paused", state())
    second:close()
    assert.equal("running", state())
    clean()
  end)

  it_("is paused on if one of them is killed, and recovered", function()
    local child <close> = elsewhere("paused()")
    do
      local paused <close> = machine.guest:paused() -- luacheck: ignore paused
      kill(child)
      assert.matches("another scope that goes on", recovered())
      assert.equal("paused", state())
    end
    assert.equal("running", state())
    clean()
  end)

  it_("is frozen by the one that lives, whatever became of one that was killed", function()
    local child <close> = elsewhere("frozen()")
    kill(child)
    machine.guest:thaw_filesystems()
    do
      local frozen <close> = machine.guest:frozen() -- luacheck: ignore frozen
      assert.matches("another scope that goes on", recovered())
      assert.is_true(is_frozen())
    end
    assert.is_false(is_frozen())
    clean()
  end)

  it_("has the device of the one that lives", function()
    local path = machine.dir .. "/vdb"
    assert.equal(0, (helper.run("truncate -s 1M " .. path)))
    local device = ("<disk type='file'><source file='%s'/><target dev='vdb' bus='virtio'/></disk>"):format(path)
    local function settle(wanted)
      machine:sh(("until [ %s -e /dev/vdb ]; do sleep 0.05; done"):format(wanted and "" or "!"))
    end
    local child <close> = elsewhere(('attached("%s", { live = true })'):format(device))
    kill(child)
    settle(true)
    guestlua.workflow.detach_with_retry(machine.guest, "vdb")
    do
      local attached <close> = machine.guest:attached(device, { live = true }) -- luacheck: ignore attached
      assert.matches("another scope that goes on", recovered())
      assert.is_not_nil(machine.guest:get_disk("vdb"))
      settle(true)
    end
    assert.is_nil(machine.guest:get_disk("vdb"))
    clean()
  end)

  it_("has a device that two attach at once from one of them, as long as that lasts", function()
    local path = machine.dir .. "/vdb"
    assert.equal(0, (helper.run("truncate -s 1M " .. path)))
    local device = ("<disk type='file'><source file='%s'/><target dev='vdb' bus='virtio'/></disk>"):format(path)
    local group <close> = guestlua.group()
    local refused, seen = guestlua.signal(), {}
    for _ = 1, 2 do
      group:spawn(function()
        local ok, e = pcall(function()
          local attached <close> = machine.guest:attached(device, { live = true }) -- luacheck: ignore attached
          refused:wait()
          seen.still = machine.guest:get_disk("vdb") ~= nil
          machine:sh("until [ -e /dev/vdb ]; do sleep 0.05; done")
        end)
        if not ok then
          seen.kind = e.kind
          refused:wake()
        end
      end)
    end
    group:wait()
    assert.same({ kind = "operation_invalid", still = true }, seen)
    assert.is_nil(machine.guest:get_disk("vdb"))
    clean()
  end)
end)
