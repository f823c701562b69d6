-- Where a guest is after a migration, on the test driver. A guest that is off on both hosts may still be about to run: a migration that nobody waits
-- for any more can have its effect until the guest takes another change.

local faults = require("spec.support.faults")
local helper = require("spec.support.helper")

local SCRIPT = [[
  local settle = require("guestlua.workflow.migrate.settle")
  local host <close> = guestlua.open("test:///default")
  local other <close> = guestlua.open("test:///default")
  local guest = host:guest("test", { required = true })
  guest:poweroff()
  return print((settle.agree(host, other, guest.uuid, "running", error)))
]]

local function turns(fault)
  local code, out, err, calls = faults.run(SCRIPT, { fault = fault })
  assert.equals(0, code, err)
  assert.equals("nowhere\n", out)
  local count = 0
  for _, call in ipairs(calls) do
    count = count + (call.name == "virDomainSetMetadata" and 1 or 0)
  end
  return count
end

describe("A guest that is on neither host after a migration", function()
  helper.leaves_nothing()

  it("is known to be off once it takes another change", function()
    assert.equals(1, turns())
  end)

  it("is asked again if it does not take one yet", function()
    assert.equals(2, turns("virDomainSetMetadata#1:operation_timeout"))
  end)
end)
