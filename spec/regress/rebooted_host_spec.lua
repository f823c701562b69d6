-- A script was killed with its machine while it had a guest paused. Libvirt counts its guests' numbers anew after a start: the guest came back with
-- the same number, somebody paused it for a reason of his own, and the recovery of the script let it go on.

local core = require("guestlua.core")
local faults = require("spec.support.faults")
local guestlua = require("guestlua")

describe("A scope from before its machine was started again", function()
  local machine, it_ = faults.machine({ journal = "journal", each = function(machine)
    machine:reset()
  end })

  -- Kills a script in the scope, and writes in its entry that this was before the machine's last start, if it was. The guest is paused then.
  -- Gives what its recovery says.
  local function killed(rebooted)
    local code, _, err = faults.run([[
      guestlua.journal({ dir = (...) })
      local host <close> = guestlua.open()
      local paused <close> = host:guest("tiny"):paused()
      os.execute("kill -KILL $PPID")
    ]], { uri = machine.uri, args = { machine.root .. "/journal" } })
    assert.equal(128 + 9, code, err)
    for _, name in ipairs(rebooted and core.list_directory(machine.root .. "/journal") or {}) do
      if name:find("%.json$") then
        local path = machine.root .. "/journal/" .. name
        local text, count = core.read_file(path, 1 << 20):gsub('("boot"%s*:%s*)"[^"]*"', '%1"another"')
        assert.equal(1, count)
        local file <close> = assert(io.open(path, "w"))
        file:write(text)
      end
    end
    assert.equal("paused", (machine.guest:get_state()))
    return guestlua.recover(machine.host)[1].outcome
  end

  it_("lets no guest go on that has its number by now", function()
    if core.read_file("/etc/machine-id", 100):find("%S") then
      assert.matches("the guest was restarted since", killed(true))
      assert.equal("paused", (machine.guest:get_state()))
    else
      pending("this machine has no name in /etc/machine-id")
    end
  end)

  it_("does so if it was not", function()
    assert.equal("the guest runs again", killed(false))
    assert.equal("running", (machine.guest:get_state()))
  end)
end)
