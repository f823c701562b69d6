-- pcall for all errors but those that tell the task to stop: these are raised once, and whoever takes one for a result goes on for ever.

local stops = require("guestlua.base.stops")

return function(fn, ...)
  local results = table.pack(pcall(fn, ...))
  if not results[1] and stops(results[2]) then
    error(results[2], 0)
  end
  return table.unpack(results, 1, results.n)
end
