-- The class of fleets: their fields. Their methods are in the modules beside it.

local define = require("guestlua.base.define")

local Fleet = { __name = "Fleet" }
Fleet.__index = Fleet
define.describe(Fleet, "Fleet", "Many hosts: guestlua.fleet makes one. local fleet <close> = guestlua.fleet{…} closes all of them.", {
  { name = "hosts", type = "table[]", help = "its hosts: name, uri, groups (of Ansible), host (the Host; nil if it is not connected) and "
    .. "error (why)" },
  { name = "problems", type = "table[]", help = "what could not be used: name (of a host, or where in the inventory), error" },
  { name = "warnings", type = "table[]", help = "hosts that can be used and look like one machine: hosts (a list of names), message" },
})

return Fleet
