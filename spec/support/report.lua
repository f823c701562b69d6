-- busted's plain output, then the slowest specs, the failed ones by name, and the counts on one line: `12 passed, 0 failed, 1 skipped`.
-- The name of the spec that runs is in the file $RUNNING, if that is set: check.lua names it if the time is over.

local SLOWEST, LONGEST = 10, 1000

-- On one line: what was expected and what came is in the lines after the first.
local function folded(message)
  local text = message:gsub("%s+", " ")
  return #text > LONGEST and text:sub(1, LONGEST) .. " …" or text
end

return function(options)
  local busted = require("busted")
  local handler = require("busted.outputHandlers.plainTerminal")(options)
  local took, failed = {}, {}
  local running = os.getenv("RUNNING")
  if running then
    busted.subscribe({ "test", "start" }, function(element)
      local file <close> = assert(io.open(running, "w"))
      file:write(handler.getFullName(element))
      return nil, true
    end)
  end
  busted.subscribe({ "test", "end" }, function(element)
    took[#took + 1] = { name = handler.getFullName(element), file = element.trace.short_src, seconds = element.duration or 0 }
    return nil, true
  end)
  for _, event in ipairs({ "failure", "error" }) do
    busted.subscribe({ event }, function(element, _, message)
      local where = element.trace and element.trace.short_src or element.name or "?"
      failed[#failed + 1] = ("%s: %s: %s"):format(where, handler.getFullName(element), folded(tostring(message)))
      return nil, true
    end)
  end
  busted.subscribe({ "exit" }, function()
    table.sort(took, function(a, b)
      return a.seconds > b.seconds
    end)
    print("The slowest:")
    for i = 1, math.min(#took, SLOWEST) do
      print(("%6.1f s  %s: %s"):format(took[i].seconds, took[i].file, took[i].name))
    end
    for _, line in ipairs(failed) do
      print("FAILED  " .. line)
    end
    print(("%d passed, %d failed, %d skipped"):format(
      handler.successesCount, handler.failuresCount + handler.errorsCount, handler.pendingsCount))
    return nil, true
  end)
  return handler
end
