-- busted's plain output, then the specs that took longest, and the counts on one line: `12 passed, 0 failed, 1 skipped`.

local SLOWEST = 10

return function(options)
  local busted = require("busted")
  local handler = require("busted.outputHandlers.plainTerminal")(options)
  local took = {}
  busted.subscribe({ "test", "end" }, function(element)
    took[#took + 1] = { name = handler.getFullName(element), file = element.trace.short_src, seconds = element.duration or 0 }
    return nil, true
  end)
  busted.subscribe({ "exit" }, function()
    table.sort(took, function(a, b)
      return a.seconds > b.seconds
    end)
    print("The slowest:")
    for i = 1, math.min(#took, SLOWEST) do
      print(("%6.1f s  %s: %s"):format(took[i].seconds, took[i].file, took[i].name))
    end
    print(("%d passed, %d failed, %d skipped"):format(
      handler.successesCount, handler.failuresCount + handler.errorsCount, handler.pendingsCount))
    return nil, true
  end)
  return handler
end
