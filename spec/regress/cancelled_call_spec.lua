-- A long call of which the wait is cancelled is ended in libvirt. What does that is in a module that was loaded only once something else in it
-- was used: until then the task failed with "attempt to call a nil value", and the call went on.

local faults = require("spec.support.faults")
local helper = require("spec.support.helper")

describe("A long call that is cancelled", function()
  helper.leaves_nothing()

  it("is ended in libvirt, in a script that has used nothing else", function()
    local code, out, err, calls = faults.run([[
      local guest = guestlua.open("test:///default"):guest("test")
      local saving = guestlua.spawn(guest.managed_save, guest)
      guestlua.sleep(0)
      saving:cancel()
      local ok, e = pcall(saving.wait, saving)
      print(ok, e.kind, e.op, e.still_running)
    ]], { fault = "virDomainManagedSave#1:hang=2" })
    assert.same({ 0, "false\tcancelled\tmanaged_save\ttrue\n", "" }, { code, out, err })
    local called = {}
    for _, call in ipairs(calls) do -- each on a thread of its own: in any order
      called[call.name] = true
    end
    assert.is_true(called.virDomainManagedSave and called.virDomainAbortJob)
  end)
end)
