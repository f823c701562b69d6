-- The hosts that a subcommand is about: one, by --connect, or a fleet.

local core = require("guestlua.core")
local guestlua = require("guestlua")

local hosts = {}

hosts.OPTIONS = {
  { name = "hosts", argument = "FILE", help = "the hosts: NAME URI, or a URI, on each line" },
  { name = "ansible", argument = "INVENTORY", help = "the hosts of an Ansible inventory" },
}

-- A fleet, of one host if no other was named. given.timeout: seconds to connect to each.
function hosts.open(given)
  if given.hosts or given.ansible then
    return guestlua.fleet(given.hosts or given.ansible, { ansible = given.ansible ~= nil, readonly = true, connect_timeout = given.timeout })
  end
  local ok, host = pcall(guestlua.open, given.connect, { readonly = true, timeout = given.timeout })
  local uri = given.connect or guestlua.default_uri
  if not ok and (not uri or not core.Error.is(host) or host.kind == "interrupted" or host.kind == "cancelled") then
    error(host, 0)
  elseif not ok then
    return guestlua.fleet({ { name = core.mask(uri), uri = uri } }, { readonly = true, connect_timeout = given.timeout })
  end
  local this <close> = host
  return guestlua.fleet({ { name = this.hostname, uri = this.uri } }, { readonly = true })
end

return hosts
