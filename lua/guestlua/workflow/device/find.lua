-- Which device of a guest is meant: by its alias, a disk's target, an Element, XML text, or a function.

local core = require("guestlua.core")
local define = require("guestlua.define")

local find = {}

function find.alias_of(element)
  return element.alias and element.alias.name
end

-- The target of a disk. An interface's name on the host is not kept.
local function target_of(element)
  return element:tag() == "disk" and element.target and element.target.dev
end

-- Whether two elements are the same device. libvirt's own aliases are only in the running guest.
local function is_same(one, other)
  local alias, target = find.alias_of(one), target_of(one)
  return alias ~= nil and alias == find.alias_of(other) or target and target == target_of(other)
end

local function first(guest, kind, persistent, matches)
  for _, candidate in ipairs(guest:get_all_devices(kind, { from_persistent_config = persistent })) do
    if matches(candidate) then
      return candidate
    end
  end
end

-- A function that gives the device as it is now, from the running guest or (true) the persistent configuration, or nil.
local function finder_of_element(guest, element, method)
  local kind = element:tag()
  if kind == "interface" or kind == "hostdev" then
    return function(persistent)
      return guest:get_interface_by_cfg(element, { from_persistent_config = persistent })
    end
  elseif not find.alias_of(element) and not target_of(element) then
    define.bad(method, "device", ("a <%s> is found by its alias: give it one, <alias name=\"ua-…\"/>"):format(kind))
  end
  return function(persistent)
    return first(guest, kind, persistent, function(candidate)
      return is_same(element, candidate)
    end)
  end
end

-- device: its alias, a disk's target, an Element, XML text, or such a function.
function find.finder(guest, device, method)
  if type(device) == "function" then
    return device
  elseif type(device) == "string" and not device:find("<", 1, true) then
    local function by_name(persistent)
      return first(guest, nil, persistent, function(candidate)
        return find.alias_of(candidate) == device or target_of(candidate) == device
      end)
    end
    return function(persistent)
      local found = by_name(persistent)
      local live = persistent and not found and by_name(false)
      return found or live and finder_of_element(guest, live, method)(true) or nil
    end
  end
  local element = type(device) == "string" and core.element(device) or device
  core.check_self(element, "Element", method)
  return finder_of_element(guest, element, method)
end

function find.name_of(device, found)
  return type(device) == "string" and not device:find("<", 1, true) and device
    or found and (target_of(found) or found.mac and found.mac.address or find.alias_of(found) or found:tag()) or "device"
end

return find
