-- What a JSON text says, and the place after it; nil if it is none. What tells the task to stop while it reads is raised, and so is that there is no
-- memory for it: the text may be whole.

local json_for = require("guestlua.base.json")
local stops = require("guestlua.base.stops")

local NO_MEMORY = "not enough memory" -- Lua's own words, which are the whole error

-- op, what: as in json.
return function(text, op, what)
  local ok, value, after = pcall(json_for(op, what).decode, text)
  if ok then
    return value, after
  elseif stops(value) or value == NO_MEMORY then
    error(value, 0)
  end
end
