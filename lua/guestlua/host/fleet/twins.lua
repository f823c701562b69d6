-- Hosts of a fleet that look like one machine, reached by two URIs: nothing that can be asked for proves it. Boards that were cloned have one UUID,
-- and so have daemons in namespaces; so it takes the same guests, too, with the numbers that libvirt gave them when they started.

local core = require("guestlua.core")
local ask = require("guestlua.host.fleet.ask")

local twins = {}

local ANSWER = 5 -- seconds: who does not answer is not compared

local function add(groups, key, entry)
  if key then
    groups[key] = groups[key] or {}
    table.insert(groups[key], entry)
  end
end

-- Those of the entries for which fn(host) gives the same text, in groups; nil is like nothing else.
local function alike(entries, fn)
  local groups, list = {}, {}
  for i, answer in ipairs(ask.all({ hosts = entries }, ANSWER, function(entry) return fn(entry.host) end)) do
    add(groups, answer.value, entries[i])
  end
  for _, group in pairs(groups) do
    list[#list + 1] = #group > 1 and group or nil
  end
  return list
end

local function name_of(host)
  return host.hostname
end

-- The machine's UUID and its guests; nil if it has none, or its driver does not say.
local function machine_of(host)
  local uuid = core.element(host:get_capabilities()).host.uuid
  local guests = {}
  for i, guest in ipairs(uuid and host:guests() or {}) do
    guests[i] = guest.uuid .. " " .. tostring(guest.id)
    guest:close()
  end
  table.sort(guests)
  return #guests > 0 and uuid[1] .. "\n" .. table.concat(guests, "\n") or nil
end

-- What is to be said about the entries of a fleet: a list of { hosts = {names}, message }.
function twins.find(entries)
  local warnings, connected = {}, {}
  for _, entry in ipairs(entries) do
    connected[#connected + 1] = entry.host and entry or nil
  end
  for _, group in ipairs(alike(connected, name_of)) do -- one short question, which is enough for nearly all fleets
    for _, same in ipairs(alike(group, machine_of)) do
      local names = {}
      for i, entry in ipairs(same) do
        names[i] = entry.name
      end
      warnings[#warnings + 1] = { hosts = names, message = ("%s look like one machine, '%s', as they have the same UUID and the same guests: what is "
        .. "done to each guest of the fleet is done to these more than once"):format(table.concat(names, " and "), same[1].host.hostname) }
    end
  end
  table.sort(warnings, function(a, b) return a.hosts[1] < b.hosts[1] end)
  return warnings
end

return twins
