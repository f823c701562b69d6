-- guestlua.await_agent, on a guest that boots.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local tiny = require("spec.support.tiny")

describe("guestlua.await_agent", function()
  helper.leaves_nothing()

  it("waits until the guest is up, and no longer than it may", function()
    local machine <close> = tiny.boot({ await = false })
    local e = helper.failure(guestlua.await_agent, machine.guest, { timeout = 0 })
    assert.same({ "timeout", "await_agent", machine.name, "agent_unresponsive" }, { e.kind, e.op, e.guest, e.cause.kind })
    assert.matches("has not answered within 0 s", e.message)
    assert.is_true(guestlua.await_agent(machine.guest, { timeout = tiny.TIMEOUT }) >= 0)
    assert.equal("up", machine:sh("echo up"))
    assert.is_true(guestlua.await_agent(machine.guest) >= 0) -- it answers already
    machine.guest:poweroff()
    assert.equal("operation_invalid", helper.failure(guestlua.await_agent, machine.guest, { timeout = tiny.TIMEOUT }).kind)
  end)

  it("does not wait for what cannot come, and takes nothing but a guest", function()
    local host <close> = guestlua.open("test:///default")
    assert.equal("no_support", helper.failure(guestlua.await_agent, host:guest("test"), { timeout = tiny.TIMEOUT }).kind)
    assert.equal("bad_argument", helper.failure(guestlua.await_agent, host).kind)
    assert.equal("bad_argument", helper.failure(guestlua.await_agent, "test").kind)
  end)
end)
