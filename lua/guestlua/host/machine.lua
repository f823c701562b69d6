-- What identifies a host's machine, whatever URI it was reached by: its UUID; nil: its driver does not say. Daemons in namespaces have one, as have
-- boards that were cloned.

local core = require("guestlua.core")

return function(host)
  local uuid = core.element(host:get_capabilities()).host.uuid
  return uuid and uuid[1]
end
