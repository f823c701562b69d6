-- frozen() of a guest that has no agent, or is paused: release 0.1 thawed for a minute and said "THE GUEST MAY BE FROZEN", although nothing had
-- reached the guest. And a guest that went to sleep could not be woken: the hints went in a circle.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local tiny = require("spec.support.tiny")

describe("A guest with an agent that cannot answer", function()
  helper.leaves_nothing()

  it("is not said to be frozen", function()
    local machine <close> = tiny.boot({
      await = false,
      edit = function(domain)
        domain.os.cmdline = domain.os.cmdline[1] .. " rdinit=/bin/sh"
      end,
    })
    local function refusal()
      return helper.failure(function()
        local frozen <close> = machine.guest:frozen({ timeout = 30 })
      end)
    end
    local e = refusal()
    assert.same({ "agent_unresponsive", "agent_command" }, { e.kind, e.op })
    assert.not_matches("MAY BE FROZEN", tostring(e))
    machine.guest:pause()
    e = refusal()
    assert.equal("agent_command", e.op)
    assert.not_matches("MAY BE FROZEN", tostring(e))
  end)

  it("is woken if it sleeps", function()
    local machine <close> = tiny.boot()
    local events <close> = machine.guest:subscribe({ "lifecycle", "pmsuspend" })
    machine:later("echo mem >/sys/power/state")
    local deadline = guestlua.now() + tiny.TIMEOUT
    while machine.guest:get_state() ~= "pmsuspended" do
      assert.is_true(guestlua.now() < deadline)
      events:next(1)
    end
    local e = helper.failure(guestlua.workflow.clean_shutdown, machine.guest, { timeout = 2 })
    assert.matches("ensure_running", e.hint)
    local result = guestlua.workflow.ensure_running(machine.guest, { timeout = tiny.TIMEOUT })
    assert.same({ "woken", true }, { result.how, result.changed })
    assert.equal("running", (machine.guest:get_state()))
  end)
end)
