-- A script at its limit of memory brought the host program down. A coroutine that waits for a signal was noted as the loop's only once its task was
-- parked: without memory for that the task ended, and stayed in the signal's list. And the report of a task that failed needed memory where nobody
-- catches an error: it ended the main task's function as if that had raised it, and freed the task, which the loop still knew.

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

local function run(options, script)
  return helper.guestlua(options .. " -", FILL .. script)
end

describe("Without memory", function()
  it("a coroutine that waits in a task is held, or does not begin to wait", function()
    local code, out = run("--max-memory 8", [[
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
      guestlua.sleep(0.1)
      slots = nil
      collectgarbage()
      guestlua.sleep(0)
      signal:wake()
      guestlua.sleep(0)
      print("over")
    ]])
    assert.same({ 0, "over\n" }, { code, out })
  end)

  it("the failure of a task is not that of the others", function()
    local code, out = run("--sandbox --max-memory 16", [[
      local function deep(n)
        if n == 0 then
          error("it failed")
        end
        deep(n - 1)
        return 1
      end
      for least = 60, 400, 10 do -- its traceback may need any of what is left
        guestlua.spawn(function()
          local full <close> = setmetatable({}, { __close = function()
            pcall(fill, least)
          end })
          deep(60)
        end)
        guestlua.sleep(0)
        guestlua.sleep(0)
        for i = 1, count do
          slots[i] = false
        end
        count = 0
        collectgarbage()
      end
      print("over")
    ]])
    assert.same({ 0, "over\n" }, { code, out })
  end)
end)
