-- Hosts of a fleet that look like one machine, reached by two URIs: nothing that can be asked for proves it. Boards that were cloned have one UUID,
-- and so have daemons in namespaces; so it takes the same guests, too, with the numbers that libvirt gave them when they started.

local ask = require("guestlua.host.fleet.ask")
local machine = require("guestlua.host.machine")

local twins = {}

local ANSWER, AT_ONCE = 5, 32 -- seconds: who does not answer is not compared; hosts that are asked at a time

local function add(groups, key, entry)
  if key then
    groups[key] = groups[key] or {}
    table.insert(groups[key], entry)
  end
end

-- Those of the entries for which fn(host) gives the same text, in groups; nil is like nothing else.
local function alike(entries, fn)
  local groups, list = {}, {}
  if #entries < 2 then
    return list
  end
  for i, answer in ipairs(ask.all({ hosts = entries }, ANSWER, function(entry) return fn(entry.host) end, AT_ONCE)) do
    add(groups, answer.value, entries[i])
  end
  for _, group in pairs(groups) do
    list[#list + 1] = #group > 1 and group or nil
  end
  return list
end

-- What two URIs of one machine have in common, the cheapest question first: only those that agree are asked the next one. nil: it cannot be said.
local SIGNS = {
  function(host)
    return host.hostname
  end,
  function(host)
    local guests = {}
    for i, guest in ipairs(host:guests()) do
      guests[i] = guest.uuid .. " " .. tostring(guest.id)
      guest:close()
    end
    table.sort(guests)
    return #guests > 0 and table.concat(guests, "\n") or nil
  end,
  machine,
}

-- What is to be said about the entries of a fleet: a list of { hosts = {names}, message }.
function twins.find(entries)
  local warnings, groups = {}, { {} }
  for _, entry in ipairs(entries) do
    table.insert(groups[1], entry.host and entry or nil)
  end
  for _, sign in ipairs(SIGNS) do
    local closer = {}
    for _, group in ipairs(groups) do
      local found = alike(group, sign)
      table.move(found, 1, #found, #closer + 1, closer)
    end
    groups = closer
  end
  for i, same in ipairs(groups) do
    local names = {}
    for j, entry in ipairs(same) do
      names[j] = entry.name
    end
    warnings[i] = { hosts = names, message = ("%s look like one machine, '%s', as they have the same UUID and the same guests: what is done to each "
      .. "guest of the fleet is done to these more than once"):format(table.concat(names, " and "), same[1].host.hostname) }
  end
  table.sort(warnings, function(a, b) return a.hosts[1] < b.hosts[1] end)
  return warnings
end

return twins
