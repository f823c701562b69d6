-- busted's plain output, and then the counts on one line: `12 passed, 0 failed, 1 skipped`.

return function(options)
  local busted = require("busted")
  local handler = require("busted.outputHandlers.plainTerminal")(options)
  busted.subscribe({ "exit" }, function()
    print(("%d passed, %d failed, %d skipped"):format(
      handler.successesCount, handler.failuresCount + handler.errorsCount, handler.pendingsCount))
    return nil, true
  end)
  return handler
end
