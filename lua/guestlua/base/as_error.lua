-- An error as an Error, whatever was raised: scripts raise numbers, and tables that raise errors themselves when they are looked at.

local core = require("guestlua.core")

return function(e)
  if core.Error.is(e) then
    return e
  end
  local ok, text = pcall(tostring, e)
  local says = ok and e ~= nil
  return core.Error.new({ kind = "script", message = says and text or ("an error without a text: a %s"):format(type(e)), value = e })
end
