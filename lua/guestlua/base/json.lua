-- The Lua module dkjson, which only some functions need: if it is missing they say so when they are called.

local core = require("guestlua.core")
local stops = require("guestlua.base.stops")

-- op: the function that needs it; what: its name in the message.
return function(op, what)
  local found, json = pcall(require, "dkjson")
  if found then
    return json
  elseif stops(json) then
    error(json, 0)
  end
  error(core.Error.new({
    kind = "missing_module",
    op = op,
    message = what .. " needs the Lua module dkjson",
    hint = "install it: Debian has it as lua-dkjson",
  }), 0)
end
