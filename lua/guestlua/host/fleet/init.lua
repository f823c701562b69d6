-- Many hosts in one process: what is asked of all of them, and what came of it at each. A host that does not answer is a failure of its own, in the
-- results, and holds up no other.

local core = require("guestlua.core")
local ask = require("guestlua.host.fleet.ask")
local Fleet = require("guestlua.host.fleet.class")
local define = require("guestlua.base.define")
local inventory = require("guestlua.host.fleet.inventory")
local log = require("guestlua.log.log").log
local keep = require("guestlua.host.reconnect")
local open = require("guestlua.host.open").open
local record = require("guestlua.log.record")
local task = require("guestlua.task.group")
local twins = require("guestlua.host.fleet.twins")

-- Connections that are made at a time: each one by SSH is a process here and a login there.
local BY_SSH, OTHERS = 8, 32

local fleet = {}

-- ---- connecting ----

local function problem_of(entry)
  return { name = entry.name, error = entry.error }
end

-- Of many hosts none asks at the terminal.
local function nobody()
  return nil
end

local function note(entry, e)
  entry.error = core.Error.is(e) and e or core.Error.new({ kind = "script", message = tostring(e) })
end

-- The entry has that host, which is opened again if it is lost; or an error, also of the calls that it takes for that.
local function settle(self, entry, ok, host)
  if not ok then
    return note(entry, host)
  end
  local settled, e = pcall(function()
    entry.name, entry.nameless = entry.nameless and host.hostname or entry.name, nil
    keep(host, function()
      return ask.take(self.again)
    end)
  end)
  if settled then
    entry.host, entry.error = host, nil
    return
  end
  host:close()
  if ask.stops(e) then
    error(e, 0)
  end
  note(entry, e)
end

local function connect(self, entry)
  local settings = self.settings
  local by_ssh = entry.uri:find("^[%w.-]+%+[%w]*ssh")
  local slot <close> = ask.take(by_ssh and self.by_ssh or self.others) -- luacheck: ignore slot
  local ok, host = pcall(open, entry.uri,
    { readonly = settings.readonly, keepalive = settings.keepalive, auth = nobody, timeout = settings.timeout })
  if not ok and ask.stops(host) then
    error(host, 0)
  end
  settle(self, entry, ok, host)
end

local function list_problems(self)
  self.problems = table.move(self.bad, 1, #self.bad, 1, {})
  for _, entry in ipairs(self.hosts) do
    self.problems[#self.problems + 1] = not entry.host and problem_of(entry) or nil
  end
end

-- Says once what looks wrong.
local function look_for_twins(self)
  local known = {}
  for _, one in ipairs(self.warnings) do
    known[one.message] = true
  end
  self.warnings = twins.find(self.hosts)
  for _, one in ipairs(self.warnings) do
    if not known[one.message] then
      log.warning(one.message)
    end
  end
end

-- Connects to those that are not, and lists in fleet.problems what does not work.
local function connect_all(self)
  local missing = {}
  for _, entry in ipairs(self.hosts) do
    missing[#missing + 1] = not entry.host and entry or nil
  end
  task.map(missing, function(entry)
    connect(self, entry)
  end)
  self.tried = true -- each was
  if #missing > 0 then
    look_for_twins(self)
  end
  list_problems(self)
end

define(Fleet, "Fleet", {
  name = "connect",
  method = true,
  help = "Tries again to connect to the hosts that could not be reached. Those that were connected once are opened again by themselves.",
  result = "integer",
  returns = "how many hosts cannot be reached",
  run = function(self)
    connect_all(self)
    return #self.problems - #self.bad
  end,
})

define(Fleet, "Fleet", {
  name = "close",
  method = true,
  help = "Closes all of its hosts.",
  run = function(self)
    self:__close()
  end,
})

function Fleet:__close()
  for _, entry in ipairs(self.hosts) do
    if entry.host then
      entry.host:close()
      entry.host, entry.error = nil, core.Error.new({ kind = "closed", op = "fleet", message = "the fleet is closed" })
    end
  end
end

-- ---- making one ----

for _, name in ipairs({ "look", "map", "events" }) do
  require("guestlua.host.fleet." .. name)
end

-- A Fleet of those hosts, none of which is connected.
local function make(hosts, bad, options)
  local self = setmetatable({ hosts = hosts, bad = bad, problems = {}, warnings = {} }, Fleet)
  self.by_ssh, self.others = ask.slots(options.connect_limit or BY_SSH), ask.slots(options.connect_limit or OTHERS)
  self.again = ask.slots(options.reconnect_limit or 4)
  self.settings = { timeout = options.connect_timeout or ask.ANSWER, readonly = options.readonly, keepalive = options.keepalive }
  record.fleet(self)
  return self
end

-- A Fleet of one host, which has been opened already: ok and result are what pcall(guestlua.open, uri) gave.
function fleet.of_one(uri, options, ok, result)
  local entry = { name = core.mask(uri), uri = uri, nameless = true }
  local self = make({ entry }, {}, options)
  settle(self, entry, ok, result)
  self.tried = true
  list_problems(self)
  return self
end

-- Of a list or an inventory, as guestlua.fleet takes them, and connected to none of its hosts yet.
function fleet.unconnected(hosts, options)
  local list, bad = inventory.read(hosts, options.ansible)
  local self = make(list, bad, options)
  for _, entry in ipairs(self.hosts) do
    entry.error = core.Error.new({ kind = "unreachable", op = "fleet", message = "it is not connected yet" })
  end
  list_problems(self)
  return self
end

define(fleet, "guestlua", {
  name = "fleet",
  help = "Connects to many hosts, beside each other. What cannot be used is in `problems`, and the others go on: a host that is unreachable, slow, "
    .. "named twice, a line of the inventory that is wrong. A connection that is lost is opened again, a few at a time and not all at once.",
  result = "Fleet",
  params = {
    { name = "hosts", type = "string or list of values", positional = true, required = true,
      help = "a list of URIs, or of {name=, uri=}; or the path of a file with NAME URI, or a URI alone, on each line, and # before what is no host" },
    { name = "ansible", type = "boolean", help = "the path is an inventory of Ansible's, \"\" its default; ansible-inventory reads it. The URI is "
      .. "the variable guestlua_uri, or qemu+ssh to where Ansible connects" },
    { name = "readonly", type = "boolean", help = "open them read-only" },
    { name = "keepalive", type = "integer", help = "seconds between keepalive probes, as guestlua.open takes it" },
    { name = "connect_timeout", type = "number", help = "seconds that each host has to connect; default: 30" },
    { name = "connect_limit", type = "integer", least = 1, help = "how many connections are made at a time; default: 8 by SSH, 32 of the others" },
    { name = "reconnect_limit", type = "integer", least = 1, help = "how many are opened again at a time; default: 4" },
  },
  run = function(hosts, options)
    local self = fleet.unconnected(hosts, options)
    local ok, e = pcall(connect_all, self)
    if not ok then
      self:__close()
      error(e, 0)
    end
    return self
  end,
})

return fleet
