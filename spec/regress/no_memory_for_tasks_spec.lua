-- A script at its limit of memory brought the host program down. A coroutine that waits for a signal was noted as the loop's only once its task was
-- parked: without memory for that the task ended, and stayed in the signal's list.

local helper = require("spec.support.helper")

-- Takes what is left of the memory: strings, smaller and smaller ones.
local FILL = [[
  local slots, count = {}, 0
  for i = 1, 8000 do
    slots[i] = false
  end
  local function fill(least)
    local size = 1 << 20
    while size >= least and count < 8000 do
      local ok, text = pcall(string.rep, "x", size)
      if ok then
        count = count + 1
        slots[count] = text
      else
        size = size // 2
      end
    end
  end
]]

describe("Without memory", function()
  it("a coroutine that waits in a task is held, or does not begin to wait", function()
    local code, out = helper.guestlua("--max-memory 8 -", FILL .. [[
      local signal = guestlua.signal()
      for _ = 1, 400 do
        local waits = coroutine.create(function()
          signal:wait()
        end)
        guestlua.spawn(function()
          fill(2048)
          pcall(coroutine.resume, waits)
        end)
      end
      pcall(guestlua.sleep, 0.1) -- which may need memory, too
      slots = nil
      collectgarbage()
      guestlua.sleep(0)
      signal:wake()
      guestlua.sleep(0)
      print("over")
    ]])
    assert.same({ 0, "over\n" }, { code, out })
  end)
end)
