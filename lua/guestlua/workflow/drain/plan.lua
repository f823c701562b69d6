-- The plan of a drain: which guest goes to which host, and which cannot move, and why. It looks, and changes nothing.

local core = require("guestlua.core")
local capacity = require("guestlua.workflow.drain.capacity")
local define = require("guestlua.base.define")
local machine = require("guestlua.host.machine")
local migration = require("guestlua.workflow.migrate.plan")
local offline = require("guestlua.workflow.migrate.offline")
local places = require("guestlua.workflow.drain.places")
local retry = require("guestlua.workflow.retry")
local task = require("guestlua.task.group")

local plan = {
  ANSWER = 30, -- seconds that a host has to say what it can take
  MOST_RESERVE = 1 << 40, -- MiB
}

-- Questions to one host at a time.
local AT_ONCE = 4

local MIB = 1 << 20

-- ---- the guests ----

-- Devices that are a part of this machine: libvirt moves no guest with one, unless another device stands in for it meanwhile.
local OF_THE_HOST = { pci = true, mdev = true, usb = true }

local function host_device(domain)
  for _, device in ipairs(domain.devices and domain.devices:children("hostdev") or {}) do
    if device.mode == "subsystem" and OF_THE_HOST[device.type] and not device.teaming then
      return ("it has a device of this host's (%s)"):format(device.type)
    end
  end
end

-- Why no host can take the guest; nil: nothing in it is against it.
local function stays(guest, domain)
  local ok, names = retry.try(guest.get_snapshot_names, guest)
  if ok and #names > 0 then
    return ("it has %d snapshot%s, which libvirt does not move"):format(#names, #names == 1 and "" or "s")
  end
  return host_device(domain)
end

-- What is to be known of a guest; nil if it is gone by now.
local function inspect(guest)
  local ok, item = pcall(function()
    local active = guest:is_active()
    local domain = core.element(guest:get_xml_desc())
    local huge = domain.memoryBacking and domain.memoryBacking.hugepages -- they are no part of what is free: QEMU does not start without them
    local bytes = math.tointeger(tonumber(domain.memory[1])) * 1024
    return { guest = guest, name = guest.name, uuid = guest.uuid, active = active, domain = domain, bytes = bytes,
      needs = active and not huge and bytes or 0, why = stays(guest, domain) }
  end)
  if not ok and not core.Error.is(item, "no_domain") then
    error(item, 0)
  end
  return ok and item or nil
end

-- The guests of the host, those with the most memory first: the others fit where there is little room.
local function guests_of(source)
  local items = {}
  for _, item in pairs(task.map(source:guests(), inspect, { limit = AT_ONCE })) do
    items[#items + 1] = item
  end
  table.sort(items, function(a, b)
    if a.bytes ~= b.bytes then
      return a.bytes > b.bytes
    end
    return a.name < b.name
  end)
  return items
end

-- ---- the hosts ----

local function look_at(place, reserve)
  places.open(place)
  local names = {}
  for _, guest in ipairs(place.host:guests()) do
    names[guest.name] = guest.uuid
    guest:close()
  end
  return { host = place.host, uri = place.uri, migrate_uri = place.migrate_uri, id = machine(place.host), names = names,
    free = capacity.free_memory(place.host) - reserve }
end

-- Raises if two of them are one machine, of which the memory would count twice.
local function check_apart(source, hosts)
  local seen = { [machine(source) or false] = source.uri }
  for _, to in ipairs(hosts) do
    if to.id and seen[to.id] then
      define.bad("drain", "to", ("%s is the same machine as %s: both have the UUID %s"):format(to.host.uri, seen[to.id], to.id))
    end
    seen[to.id or false] = to.host.uri
  end
end

-- The hosts that answer, in their order, and the problems of the others.
local function hosts_of(given, reserve)
  local list, problems = {}, {}
  local answers = task.map(given, function(place)
    return table.pack(retry.try(task.timeout, plan.ANSWER, look_at, place, reserve))
  end)
  for i, answer in ipairs(answers) do
    if answer[1] then
      list[#list + 1] = answer[2]
    else
      problems[#problems + 1] = { host = given[i].name, error = answer[2] }
    end
  end
  return list, problems
end

-- ---- which goes where ----

-- Why the host cannot take the guest, as far as that can be known; nil: it can.
local function misfit(to, item, options, processor)
  if to.names[item.name] and to.names[item.name] ~= item.uuid then
    return "it has another guest of this name"
  elseif item.needs > 0 and item.needs > to.free then
    return ("it has %d MiB of memory left, and the guest has %d"):format(math.max(to.free, 0) // MIB, item.needs // MIB)
  end
  local why = processor(to.host, item.domain, item.active)
  if why then
    return why
  end
  local ok, e
  if item.active then
    ok, e = retry.try(migration.make, item.guest, to.host, to.uri, options)
  else
    ok, e = retry.try(offline.check, item.guest, to.host)
  end
  return not ok and tostring(core.Error.is(e) and e.message or e) or nil
end

-- The hosts in the order in which they are tried. "spread": the one with the most memory left first; "fill": as they are listed.
local ORDERS = {
  spread = function(hosts)
    local order, place = table.move(hosts, 1, #hosts, 1, {}), {}
    for i, to in ipairs(hosts) do
      place[to] = i
    end
    table.sort(order, function(a, b)
      if a.free ~= b.free then
        return a.free > b.free
      end
      return place[a] < place[b]
    end)
    return order
  end,
  fill = function(hosts)
    return hosts
  end,
}

plan.STRATEGIES = { "spread", "fill" }

local function reason(whys, hosts)
  local texts, same = {}, true
  for i, why in ipairs(whys) do
    same = same and why == whys[1]
    texts[i] = ("%s: %s"):format(hosts[i].host.uri, why)
  end
  return #whys > 1 and same and ("no host can take it: %s"):format(whys[1]) or table.concat(texts, "; ")
end

local function choose(hosts, item, options, processor)
  local order, whys = ORDERS[options.strategy or "spread"](hosts), {}
  for i, to in ipairs(order) do
    whys[i] = misfit(to, item, options, processor)
    if not whys[i] then
      return to
    end
  end
  return nil, #hosts == 0 and "no host answers that could take it" or reason(whys, order)
end

-- Returns the moves, a list of {guest, name, to, live, bytes}; the guests that stay, a list of {guest, why}; and the hosts that do not answer, a
-- list of {host, error}. given: the hosts, as from places.read.
function plan.make(source, given, options)
  local hosts, problems = hosts_of(given, (options.reserve or 0) * MIB)
  check_apart(source, hosts)
  local processor, moves, left = capacity.processors(source), {}, {}
  for _, item in ipairs(guests_of(source)) do
    local to, why = nil, item.why
    if not why then
      to, why = choose(hosts, item, options, processor)
    end
    if to then
      to.free = to.free - item.needs
      to.names[item.name] = item.uuid
      moves[#moves + 1] = { guest = item.guest, name = item.name, to = to, live = item.active, bytes = item.bytes }
    else
      left[#left + 1] = { guest = item.name, why = why }
    end
  end
  return moves, left, problems
end

return plan
