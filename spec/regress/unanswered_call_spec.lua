-- A spec stood still for a quarter of an hour: a call had no limit of time, and its answer did not come. It was made on Lua's own thread, as nothing
-- else was under way, so that neither Ctrl-C nor a request for the status was heard; and as it was alone nothing made the daemon look again for
-- calls that it had missed (src/call/nudge.h).

local faults = require("spec.support.faults")
local helper = require("spec.support.helper")
local tiny = require("spec.support.tiny")

describe("A call that a daemon does not answer", function()
  local machine, it_ = faults.machine()

  it_("is followed by another one, although it is alone, and leaves Ctrl-C to the script", function()
    local child <close> = faults.start([[
      local guest = guestlua.open():guest("tiny")
      local undo <close> = setmetatable({}, { __close = function()
        print("undone")
      end })
      guest:is_active()
    ]], { uri = machine.uri, fault = ("virDomainIsActive#1:hang=%d"):format(tiny.TIMEOUT) })
    helper.await(function() return child:has_called("virConnectGetLibVersion") end, "no other call came")
    child:kill("INT")
    local code, out = child:wait()
    assert.same({ 130, "undone\n" }, { code, out })
  end)
end)
