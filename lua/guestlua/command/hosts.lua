-- The hosts that a subcommand is about: one, by --connect, or a fleet.

local core = require("guestlua.core")
local define = require("guestlua.base.define")
local fleet = require("guestlua.host.fleet")
local guestlua = require("guestlua")

local hosts = {}

local FIRST_PAUSE, LONGEST_PAUSE = 1, 30 -- seconds before hosts are tried again

hosts.OPTIONS = {
  { name = "hosts", argument = "FILE", help = "the hosts: NAME URI, or a URI, on each line" },
  { name = "ansible", argument = "INVENTORY", help = "the hosts of an Ansible inventory" },
}

-- A fleet, of one host if no other was named. given.timeout: seconds to connect to each. later: those of a list are connected by hosts.keep_trying.
function hosts.open(given, later)
  local options = { readonly = true, connect_timeout = given.timeout }
  if given.hosts and given.ansible then
    define.bad("fleet", "hosts", "--hosts and --ansible do not go together")
  end
  if given.hosts or given.ansible then
    options.ansible = given.ansible ~= nil
    return (later and fleet.unconnected or guestlua.fleet)(given.hosts or given.ansible, options)
  end
  local ok, host = pcall(guestlua.open, given.connect, { readonly = true, timeout = given.timeout })
  local uri = ok and host.uri or given.connect or guestlua.default_uri
  if not ok and (not uri or not core.Error.is(host) or host.kind == "interrupted" or host.kind == "cancelled") then
    error(host, 0)
  end
  return fleet.of_one(uri, options, ok, host)
end

-- Connects to the hosts that are not, in a task of the group, and tries again those that do not answer. Calls tried(fleet) after each time. Gives a
-- function that waits until each host was tried once, or so many seconds.
function hosts.keep_trying(group, this, tried)
  local first, pause = core.signal(), FIRST_PAUSE
  group:spawn(function()
    if this.tried then
      core.sleep(pause)
    end
    while true do
      this:connect()
      tried(this)
      first:wake()
      core.sleep(pause)
      pause = math.min(pause * 2, LONGEST_PAUSE)
    end
  end)
  return function(seconds)
    if not this.tried then
      first:wait(seconds and { timeout = seconds })
    end
  end
end

return hosts
