-- The hosts that a subcommand is about: one, by --connect, or a fleet.

local core = require("guestlua.core")
local define = require("guestlua.base.define")
local fleet = require("guestlua.host.fleet")
local guestlua = require("guestlua")

local hosts = {}

hosts.OPTIONS = {
  { name = "hosts", argument = "FILE", help = "the hosts: NAME URI, or a URI, on each line" },
  { name = "ansible", argument = "INVENTORY", help = "the hosts of an Ansible inventory" },
}

-- A fleet, of one host if no other was named. given.timeout: seconds to connect to each.
function hosts.open(given)
  local options = { readonly = true, connect_timeout = given.timeout }
  if given.hosts and given.ansible then
    define.bad("fleet", "hosts", "--hosts and --ansible do not go together")
  end
  if given.hosts or given.ansible then
    options.ansible = given.ansible ~= nil
    return guestlua.fleet(given.hosts or given.ansible, options)
  end
  local ok, host = pcall(guestlua.open, given.connect, { readonly = true, timeout = given.timeout })
  local uri = ok and host.uri or given.connect or guestlua.default_uri
  if not ok and (not uri or not core.Error.is(host) or host.kind == "interrupted" or host.kind == "cancelled") then
    error(host, 0)
  end
  return fleet.of_one(uri, options, ok, host)
end

return hosts
