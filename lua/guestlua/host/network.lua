-- The addresses that a network gives to machines it knows, without writing XML.

local core = require("guestlua.core")
local define = require("guestlua.base.define")
local mac = require("guestlua.base.mac")

local FIELDS = { "mac", "ip", "name" }
local PLACES = { "live", "config" } -- as get_xml_desc has it without and with `inactive`, and as the options of update are called

local function params(...)
  local list = {
    { name = "mac", type = "string", help = "the machine's MAC address" },
    { name = "ip", type = "string", help = "the address that it gets" },
    { name = "name", type = "string", help = "its host name" },
    { name = "live", type = "boolean", help = "in the running network; default: if it runs" },
    { name = "config", type = "boolean", help = "in its configuration, for its next start; default: if it has one" },
  }
  return table.move({ ... }, 1, select("#", ...), #list + 1, list)
end

-- The <host> that the options describe.
local function host_of(method, options)
  local fields = {}
  for _, key in ipairs(FIELDS) do
    if options[key] == "" then
      define.bad(method, key, "it cannot be empty")
    end
    fields[key] = options[key]
  end
  if fields.mac and not mac(fields.mac) then
    define.bad(method, "mac", "a MAC address expected, as in 52:54:00:12:34:56")
  end
  if options.live == false and options.config == false then
    define.bad(method, "live", "nothing is left: either live or config")
  end
  return fields
end

local function places_of(network, options)
  local places = { live = options.live, config = options.config }
  if places.live == nil then
    places.live = network:is_active()
  end
  if places.config == nil then
    places.config = network:is_persistent()
  end
  return places
end

-- libvirt keeps an entry's MAC address as it was written.
local function same(key, a, b)
  return a ~= nil and b ~= nil and (key == "mac" and mac(a) == mac(b) or key ~= "mac" and a == b)
end

-- The network's XML there. The test driver has one for both, and refuses to be asked for the other.
local function xml_of(network, place)
  local ok, xml = pcall(network.get_xml_desc, network, { inactive = place == "config" })
  if not ok and place == "config" and core.Error.is(xml, "invalid_arg") then
    return network:get_xml_desc()
  end
  return ok and xml or error(xml, 0)
end

-- The entries of the network, as tables.
local function entries(network, place)
  local list = {}
  for _, ip in ipairs(core.element(xml_of(network, place)):children("ip")) do
    local dhcp = ip:child("dhcp")
    for _, host in ipairs(dhcp and dhcp:children("host") or {}) do
      local names = host:attributes()
      list[#list + 1] = { mac = names.mac, ip = names.ip, name = names.name }
    end
  end
  return list
end

-- What has to be done in a place so that the entry is there: nil if it is.
local function needed(network, place, fields)
  local known = fields.mac and "mac" or "name"
  for _, entry in ipairs(entries(network, place)) do
    if same(known, entry[known], fields[known]) then
      local equal = entry.ip == fields.ip and entry.name == fields.name
      return not equal and "modify" or nil
    end
  end
  return "add_last"
end

-- One call for both places if the same is to be done in both: libvirt then does it in both or in neither.
local function update(network, commands, fields)
  local xml = core.element("host", fields)
  if commands.live and commands.live == commands.config then
    network:update(commands.live, "ip_dhcp_host", -1, xml, { live = true, config = true })
    return true
  end
  for _, place in ipairs(PLACES) do
    if commands[place] then
      network:update(commands[place], "ip_dhcp_host", -1, xml, { [place] = true })
    end
  end
  return next(commands) ~= nil
end

define(core.Network, "Network", {
  name = "set_dhcp_host",
  method = true,
  help = "Sees to it that a machine gets this address, in the running network and in its configuration. One that the network knows by its MAC "
    .. "address, or without one by its name, is changed. A machine has the new address when it asks again.",
  result = "boolean",
  returns = "whether something was changed",
  params = params(),
  blocks = true,
  run = function(network, options)
    local fields, commands = host_of("set_dhcp_host", options), {}
    if not fields.ip then
      define.bad("set_dhcp_host", "ip", "the address expected, got nil")
    elseif not fields.mac and not fields.name then
      define.bad("set_dhcp_host", "mac", "the machine's MAC address expected, or its name")
    end
    local places = places_of(network, options)
    for _, place in ipairs(PLACES) do
      commands[place] = places[place] and needed(network, place, fields) or nil
    end
    return update(network, commands, fields)
  end,
})

define(core.Network, "Network", {
  name = "remove_dhcp_host",
  method = true,
  help = "Takes a machine's address out of the running network and its configuration. It is known by its MAC address, its "
    .. "address or its name.",
  result = "boolean",
  returns = "whether it was there",
  params = params(),
  blocks = true,
  run = function(network, options)
    local fields, commands, found = host_of("remove_dhcp_host", options), {}, nil
    local known = fields.mac and "mac" or fields.ip and "ip" or fields.name and "name"
    if not known then
      define.bad("remove_dhcp_host", "mac", "the machine's MAC address expected, or its address or name")
    end
    local places = places_of(network, options)
    for _, place in ipairs(PLACES) do
      for _, entry in ipairs(places[place] and entries(network, place) or {}) do
        if same(known, entry[known], fields[known]) then
          commands[place], found = "delete", entry
        end
      end
    end
    return found ~= nil and update(network, commands, { [known] = found[known] })
  end,
})
