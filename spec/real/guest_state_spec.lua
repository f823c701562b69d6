-- libvirt's own words for the state of a guest, and for why it is in it.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

describe("A guest's state", function()
  helper.leaves_nothing()

  it("is libvirt's word for it, with the reason", function()
    local host <close> = guestlua.open("test:///default")
    local guest = host:guest("test")
    assert.equal("running", (guest:get_state()))
    guest:pause()
    assert.same({ "paused", "user" }, { guest:get_state() })
    guest:resume()
    assert.same({ "running", "unpaused" }, { guest:get_state() })
    guest:poweroff()
    assert.same({ "shutoff", "destroyed" }, { guest:get_state() })
    guest:launch()
    assert.same({ "running", "booted" }, { guest:get_state() })
  end)
end)

describe("A real guest", function()
  local machine = helper.machine()
  helper.leaves_nothing()

  -- Seen: a guest that went to sleep could not be woken, and resume() is refused.
  it("is woken when it sleeps", function()
    local guest = machine.guest
    local events <close> = guest:subscribe("lifecycle")
    machine:later("echo mem >/sys/power/state")
    assert.equal("pmsuspended", events:next(60).type)
    assert.same({ "pmsuspended", "unknown" }, { guest:get_state() })
    assert.is_false((pcall(guest.resume, guest)))
    guest:pm_wakeup()
    assert.equal("started", events:next(60).type)
    assert.same({ "running", "wakeup" }, { guest:get_state() })
  end)

  it("ends gracefully, or not at all", function()
    machine.guest:poweroff({ graceful = true })
    assert.same({ "shutoff", "destroyed" }, { machine.guest:get_state() })
  end)
end)
