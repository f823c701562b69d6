-- A guest that was restarted through another object has another id than the object that one has. A guard of that object took the old id for the
-- guest's own at its beginning, looked the new one up at its end, and left the guest paused, as if somebody else had started it meanwhile.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

describe("A guard of an object with an old id", function()
  local host
  helper.leaves_nothing(function()
    host = guestlua.open("test:///default")
  end, function()
    host:close()
  end)

  it("lets the guest go on", function()
    local guest, other = host:guest("test"), host:guest("test")
    other:poweroff()
    other:launch()
    assert.are_not.equal(guest.id, host:guest("test").id)
    do
      local paused <close> = guest:paused()
      assert.equal("paused", guest:get_info().domain_state)
    end
    assert.equal("running", guest:get_info().domain_state)
  end)
end)
