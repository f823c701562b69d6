-- Whether an error says that the task has to stop: nothing is tried again after it, and it is not a result.

local core = require("guestlua.core")

return function(e)
  return core.Error.is(e, "cancelled") or core.Error.is(e, "interrupted")
end
