-- A script closed its Guest while something was done to the guest: in a workflow's function, or with a guard that a function returned, whose Guest
-- was closed with the function. What was to be taken back was not: the guest stayed on its overlay, frozen, paused, with the device.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local workflow = guestlua.workflow

describe("A Guest that is closed", function()
  local machine = helper.machine()
  helper.leaves_nothing()

  -- Calls fn with a Guest of its own, and a function that closes it.
  local function with_own(fn)
    local guest <close> = machine.host:guest(machine.name)
    return fn(guest, function()
      guest:close()
    end)
  end

  it("within a workflow does not keep that from its end", function()
    with_own(function(guest, close)
      assert.equal("vda", workflow.snapshot_then_commit(guest, { during = close }).disks[1].target)
    end)
    assert.same({ machine.disk }, machine:chain())
    with_own(function(guest, close)
      local e = helper.failure(workflow.snapshot_then_commit, guest, { during = function()
        close()
        error("no", 0)
      end })
      assert.equal("undone: the disks have the images they had, with all that the guest wrote", e.outcome)
    end)
    assert.same({ machine.disk }, machine:chain())
    with_own(function(guest, close)
      assert.equal(machine.dir .. "/copy", workflow.live_snapshot(guest, "vda", machine.dir .. "/copy", { on_progress = close }).path)
    end)
    assert.same({}, guestlua.recover(machine.host))
  end)

  it("before its guard does not keep the guest frozen, paused or with a device", function()
    local function frozen()
      return machine.guest:agent_command('{"execute":"guest-fsfreeze-status"}'):find("frozen", 1, true) ~= nil
    end
    local function paused()
      return machine.guest:get_info().domain_state == "paused"
    end
    local function attached()
      return machine.guest:get_xml_desc():find("wanted", 1, true) ~= nil
    end
    local rng = "<rng model='virtio'><backend model='random'>/dev/urandom</backend><alias name='ua-wanted'/></rng>"
    for name, is_so in pairs({ frozen = frozen, paused = paused, attached = attached }) do
      local function begin(guest)
        return guest[name](guest, name == "attached" and rng or nil)
      end
      do
        local guard <close> = with_own(begin)
        assert.is_true(is_so(), name)
      end
      assert.is_false(is_so(), name)
      with_own(function(guest)
        local guard <close> = begin(guest)
        guest:close()
      end)
      assert.is_false(is_so(), name)
      local kept = with_own(begin):keep()
      assert.is_true(is_so(), name)
      kept:close()
      if name == "frozen" then
        machine.guest:thaw_filesystems()
      elseif name == "paused" then
        machine.guest:resume()
      else
        workflow.detach_with_retry(machine.guest, "ua-wanted")
      end
    end
    assert.same({}, guestlua.recover(machine.host))
  end)
end)
