-- For specs of tasks and groups: a function that fails, and a guard that takes its time.

local guestlua = require("guestlua")
local undo = require("guestlua.base.undo")

local guards = {}

function guards.fail(value)
  error(value, 0)
end

-- Waits a little, as real guards do, and then calls fn.
function guards.slow(fn)
  return undo.guard(function(failure)
    guestlua.sleep(0.002)
    fn(failure)
  end)
end

return guards
