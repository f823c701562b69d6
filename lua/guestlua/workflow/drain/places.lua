-- The hosts that guests may go to, as the caller names them: Hosts, or URIs, which are opened here and closed in the end.

local core = require("guestlua.core")
local define = require("guestlua.base.define")
local migration = require("guestlua.workflow.migrate.plan")
local reach = require("guestlua.base.reach")
local spelling = require("guestlua.base.spelling")

local NAME = "drain"

local FIELDS = { "host", "uri", "destination_uri", "migrate_uri" }

local places = {}

local function bad(i, message, ...)
  define.bad(NAME, "to", ("place %d: %s"):format(i, message:format(...)))
end

local function is_host(value)
  local ok, e = pcall(core.check_self, value, "Host", NAME)
  if not ok and core.Error.is(e, "closed") then
    error(e, 0)
  end
  return ok
end

local function check_names(i, one)
  local known = {}
  for _, name in ipairs(FIELDS) do
    known[name] = true
  end
  for name, value in next, one do
    if not known[name] then
      local near = type(name) == "string" and spelling.nearest(name, FIELDS)
      bad(i, "no such field '%s'; there are: %s%s", tostring(name), table.concat(FIELDS, ", "), near and ("; is %s meant?"):format(near) or "")
    elseif name ~= "host" and type(value) ~= "string" then
      bad(i, "%s: string expected, got %s", name, core.type_name(value))
    end
  end
end

-- A table with the fields, whatever it was given as.
local function fields_of(i, one)
  if type(one) == "string" then
    one = { uri = one }
  elseif type(one) ~= "table" then
    one = { host = one }
  end
  check_names(i, one)
  if one.host ~= nil and one.uri then
    bad(i, "host and uri are two hosts; destination_uri is how the drained host's libvirt reaches it")
  elseif one.uri and not one.uri:find("^[%w+.-]+://[^%s%z]*$") then
    bad(i, "'%s' is no URI of libvirt's", core.mask((one.uri:gsub("%z", " "))))
  elseif not one.uri and not is_host(one.host) then
    bad(i, "a Host, a URI, or {host= or uri=, destination_uri=, migrate_uri=} expected")
  end
  return one
end

-- A list of { name, host, uri, migrate_uri }: name is the URI by which it is opened, host is nil until then, uri how the source's libvirt gets there.
function places.read(source, list)
  if list == nil then
    define.bad(NAME, "to", "table expected, got nil")
  end
  local found, known = {}, { [source.uri] = "the host that is drained" }
  for i, given in ipairs(list) do
    local one = fields_of(i, given)
    if one.uri then
      reach.check(NAME, one.uri)
    end
    local name = one.uri or one.host.uri
    if known[name] then
      define.bad(NAME, "to", ("place %d is %s"):format(i, known[name]))
    end
    known[name] = ("the same as place %d"):format(i)
    found[i] = { name = name, host = one.host, migrate_uri = one.migrate_uri,
      uri = migration.uri_of(one.host or name, one.destination_uri, NAME, "to") }
  end
  if #found == 0 then
    define.bad(NAME, "to", "a list of hosts expected, and there is none in it")
  end
  return found
end

-- As recovery does, nobody is asked at the terminal.
function places.open(place)
  if not place.host then
    place.host, place.opened = reach.open(NAME, place.name, { keepalive = 5 }), true
  end
end

-- A to-be-closed value that closes what was opened.
function places.guard(list)
  return setmetatable({}, { __close = function()
    for _, place in ipairs(list) do
      if place.opened then
        place.host:close()
      end
    end
  end })
end

return places
