-- An event was still on its subscription's list while its table was made. A finalizer that Lua called then, and that took the next event or closed
-- the subscription, freed it: the event came twice, or the process hung or died.

local helper = require("spec.support.helper")

describe("A finalizer that is called while an event is given to the script", function()
  it("may take the next one", function()
    local code, out, err = helper.guestlua("-", [[
      local host = guestlua.open("test:///default")
      local guest, events = host:guest("test"), host:subscribe("lifecycle")
      local made, seen, inside = 0, { suspended = 0, resumed = 0 }, 0
      local function take()
        local event = events:next(0)
        if event then
          seen[event.type] = seen[event.type] + 1
        end
        return event
      end
      local metatable = {
        __gc = function()
          inside = inside + (take() and 1 or 0)
        end,
      }
      collectgarbage("incremental", 1, 1000)
      repeat
        for _ = 1, 1000 do -- Lua calls a few at a time, where the script allocates
          setmetatable({}, metatable)
        end
        for _ = 1, 500 do
          guest:pause()
          guest:resume()
        end
        made = made + 500
        repeat
          if not take() then
            guestlua.sleep(0)
          end
        until seen.suspended + seen.resumed >= 2 * made
      until inside > 100
      assert(seen.suspended == made and seen.resumed == made)
      print("each once")
    ]])
    assert.same({ 0, "each once\n", "" }, { code, out, err })
  end)
end)
