-- Finds the guest's device that is a given one. All code that attaches, detaches or looks for a device uses this.
--
-- Two devices are compared by their alias if both have one, else by their address, else by the identity of their class (identity.lua). libvirt
-- rewrites its input: values are compared as it reads them, and its additions are no difference. What it drops, nobody can compare: so the alias
-- that a device gets here says of which XML it was made. Nothing is guessed: if several fit equally well, an error of kind "device_ambiguous" names
-- them.

local calls = require("guestlua.log.calls")
local core = require("guestlua.core")
local identity = require("guestlua.guest.identity")
local values = require("guestlua.guest.values")

local devices = {}

-- ---- two of them ----

local function alias_of(element)
  local alias = element:child("alias")
  return alias and alias:attribute("name")
end

local function is_own(alias) -- not libvirt's, which come and go with the running guest
  return alias:find("^ua%-") ~= nil
end

-- true, false, or nil: not known. libvirt's own alias counts as none if the script wants its own.
local function same_alias(wanted, other)
  local a, b = alias_of(wanted), alias_of(other)
  if not a or not b or is_own(a) and not is_own(b) then
    return nil
  end
  return a == b
end

local SILENT = { multifunction = true, base = true } -- attributes that are no part of the address

-- The address of a device in the guest; nil if there is none, or libvirt is to choose it.
local function address_of(element)
  local address = element:child("address")
  local parts, said = {}, false
  for name, value in pairs(address and address:attributes() or {}) do
    if name ~= "type" and not SILENT[name] then
      parts[name], said = values.number(value) or value, true
    end
  end
  return said and parts or nil, address and address:attribute("type")
end

local function same_address(wanted, other)
  local a, kind = address_of(wanted)
  local b, other_kind = address_of(other)
  if not a or not b then
    return nil
  elseif kind ~= other_kind then
    return false
  end
  for name, value in pairs(b) do
    a[name] = a[name] or type(value) == "number" and 0 or nil
  end
  for name, value in pairs(a) do
    if value ~= (b[name] or type(value) == "number" and 0 or nil) then
      return false
    end
  end
  return true
end

-- Whether the other one was made of this very XML, as the alias says that it got from devices.complete.
local function was_made_of(wanted, other)
  local mine, theirs = alias_of(wanted), alias_of(other)
  local made_of = theirs and theirs:match("^ua%-%a+%-(%x+)%-%x+$")
  return made_of and not (mine and is_own(mine)) and made_of == identity.fingerprint(wanted)
end

local BY_ALIAS, BY_ADDRESS, BY_IDENTITY, ELSEWHERE = 4, 3, 2, 1

-- How well the other one fits: one of these, or nil: it is another device.
local function fit(wanted, other, options)
  if wanted:tag() ~= other:tag() then
    return nil
  elseif not options.seen and was_made_of(wanted, other) then
    return BY_IDENTITY
  end
  local alias, address = same_alias(wanted, other), same_address(wanted, other)
  local mine = alias_of(wanted)
  local shown = mine and not is_own(mine) -- as libvirt shows it in the running guest, with its additions
  if alias == false and not (shown and address and not is_own(alias_of(other))) then
    return nil
  end
  local known = identity.same(wanted, other, options)
  if known == false then
    return nil
  elseif alias and not shown then
    return BY_ALIAS
  elseif known == nil then
    local agreed = identity.agree(wanted, other)
    if not agreed or agreed == "part" and not shown or mine and not shown then
      return nil
    end
  end
  if alias then
    return BY_ALIAS
  elseif address == false then
    return identity.is_unique(wanted) and known and BY_IDENTITY or ELSEWHERE
  end
  return address and BY_ADDRESS or BY_IDENTITY
end

-- ---- of many ----

-- A device's name for people.
function devices.describe(element)
  local words = { "<" .. element:tag() .. ">" }
  local target, mac = element:child("target"), element:child("mac")
  for _, word in ipairs({
    target and (target:attribute("dev") or target:attribute("dir") or target:attribute("name")) or false,
    mac and mac:attribute("address") or false,
    alias_of(element) or false,
  }) do
    words[#words + 1] = word or nil
  end
  local address = element:child("address")
  for _, name in ipairs(address_of(element) and { "domain", "controller", "bus", "slot", "function", "target", "unit", "port" } or {}) do
    local value = address:attribute(name)
    words[#words + 1] = value and ("%s=%s"):format(name, value) or nil
  end
  return table.concat(words, " ")
end

local function ambiguous(guest, name, candidates, method)
  local list = {}
  for i, candidate in ipairs(candidates) do
    list[i] = devices.describe(candidate)
  end
  error(core.Error.new({
    kind = "device_ambiguous",
    op = method,
    guest = guest.name,
    device = name,
    candidates = list,
    message = ("%d devices of the guest fit: %s"):format(#list, table.concat(list, "; ")),
    hint = "name it by its alias, or give the <address> of the one that is meant",
  }), 0)
end

-- The candidates that fit best, and how well.
function devices.best_of(wanted, candidates, options)
  local best, level = {}, 0
  for _, candidate in ipairs(candidates) do
    local grade = fit(wanted, candidate, options) or 0
    if grade > level then
      best, level = { candidate }, grade
    elseif grade == level and grade > 0 then
      best[#best + 1] = candidate
    end
  end
  return best, level
end

-- The devices as they would be after the changes that a dry run has held back.
local function planned(guest, list, kind, persistent)
  local here = persistent ~= guest:is_active()
  for _, change in ipairs(calls.devices(guest)) do
    local unsaid = not change.live and not change.persistent
    local device = (unsaid and here or not unsaid and change[persistent and "persistent" or "live"]) and core.element(change.conf)
    if device and (not kind or device:tag() == kind) then
      local gone = devices.best_of(device, change.what == "detached" and list or {}, { host = guest.host })[1]
      list[#list + 1] = change.what == "attached" and device or nil
      for i = #list, 1, -1 do
        if rawequal(list[i], gone) then
          table.remove(list, i)
        end
      end
    end
  end
  return list
end

local function all(guest, kind, persistent)
  persistent = persistent or false
  local list = guest:get_all_devices(kind, { from_persistent_config = persistent })
  return core.dry_run() and planned(guest, list, kind, persistent) or list
end

-- Among those that would fit at another address: if the wanted one is a device of the other place (the running guest, or the configuration), it is
-- this one here, unless that place has another device that matches it.
local function elsewhere(guest, wanted, candidates, persistent)
  local others, options = all(guest, wanted:tag(), not persistent), { host = guest.host }
  local _, level = devices.best_of(wanted, others, options)
  local left = {}
  for _, candidate in ipairs(level >= BY_ADDRESS and candidates or {}) do
    local taken = false
    for _, other in ipairs(others) do
      taken = taken or (fit(candidate, other, options) or 0) >= BY_ADDRESS
    end
    left[#left + 1] = not taken and candidate or nil
  end
  return left
end

-- The guest's device that is the wanted one, or nil. persistent: in the configuration, not in the running guest. options.method: the caller.
-- options.here: a device at another address is another one. options.seen, options.hexadecimal: as in identity.same.
function devices.find(guest, wanted, persistent, options)
  options = options or {}
  options.host = guest.host
  local candidates = all(guest, wanted:tag(), persistent)
  local best, level = devices.best_of(wanted, candidates, options)
  if level == ELSEWHERE then
    best = options.here and {} or elsewhere(guest, wanted, best, persistent)
  end
  if #best > 1 then
    ambiguous(guest, devices.describe(wanted), best, options.method)
  end
  return best[1], candidates
end

-- Raises if another device is in the way of the wanted one: the same alias, or the same target with another image.
local function refuse_conflict(guest, wanted, candidates, method)
  for _, other in ipairs(candidates) do
    local mine = alias_of(wanted)
    local alias = mine and is_own(mine) and mine == alias_of(other)
    if alias or identity.is_in_place(wanted, other) then
      error(core.Error.new({
        kind = "device_conflict",
        op = method,
        guest = guest.name,
        device = devices.describe(wanted),
        message = ("the guest has another device %s: %s"):format(alias and "of this alias" or "in its place", devices.describe(other)),
        hint = "detach that one first, or attach this one under another name",
      }), 0)
    end
  end
end

-- ---- one device, again and again ----

local ATTACHES = { attach_with_retry = true, ensure_attached = true, attached = true }

-- A function(persistent) that returns the device as it is now, or nil. Once found, the device is known by all that libvirt showed of it, so that
-- when it is gone no other one is taken for it.
function devices.finder(guest, element, method)
  local seen = {}
  return function(persistent)
    persistent = persistent or false
    local known = seen[persistent]
    local found, candidates = devices.find(guest, known or element, persistent, { method = method, seen = known ~= nil })
    if not found and not known and ATTACHES[method] then
      refuse_conflict(guest, element, candidates, method)
    end
    seen[persistent] = found or known
    return found
  end
end

-- Whether a device is called so: by its alias, a disk's target, or an interface's MAC address or name on the host.
local function has_name(device, name)
  local tag = device:tag()
  return alias_of(device) == name or (tag == "disk" or tag == "interface") and values.at(device, "target/dev") == name
    or tag == "interface" and values.mac(values.at(device, "mac/address")) == values.mac((name:gsub("-", ":")))
end

-- The same for such a name. libvirt's own aliases, and names on the host, belong to the running guest: in the configuration it is the device that the
-- running guest has under this name.
function devices.finder_by_name(guest, name, method)
  local finders = {}
  local function by_name(persistent)
    local found = {}
    for _, candidate in ipairs(all(guest, nil, persistent)) do
      if has_name(candidate, name) then
        found[#found + 1] = candidate
      end
    end
    if #found > 1 then
      ambiguous(guest, name, found, method)
    end
    return found[1]
  end
  return function(persistent)
    persistent = persistent or false
    if not finders[persistent] then
      local found = by_name(persistent) or persistent and by_name(false)
      if not found then
        return nil
      end
      finders[persistent] = devices.finder(guest, found, method)
    end
    return finders[persistent](persistent)
  end
end

-- ---- libvirt's additions ----

-- Classes of devices to which a script may give an alias.
local NAMED = {}
for name in ([[rng memory input watchdog redirdev vsock sound smartcard video panic tpm crypto controller serial parallel console
  channel]]):gmatch("%a+") do
  NAMED[name] = true
end

local function random(count, format)
  local words = {}
  for i = 1, count do
    words[i] = format:format(math.random(0, 255))
  end
  return words
end

-- A copy to be attached that can be found again: an interface without a MAC address gets one, and a device that nothing distinguishes from others
-- of its class gets an alias. twin: the same device in the other place, which has them already. If that has no alias of its own, this one gets none
-- either: one with an alias would be another device than one without. But the size of memory may be another in the running guest.
function devices.complete(element, twin)
  local copy = core.element(tostring(element))
  if copy:tag() == "interface" and not values.at(copy, "mac/address") then
    copy.mac = { address = twin and values.at(twin, "mac/address") or "52:54:00:" .. table.concat(random(3, "%02x"), ":") }
  end
  local alias = alias_of(copy)
  if alias and not is_own(alias) then
    copy.alias = nil -- libvirt's own, from its XML: it assigns a new one
  end
  if not alias_of(copy) and NAMED[copy:tag()] and not identity.is_said(copy) then
    local theirs = twin and alias_of(twin)
    theirs = theirs and is_own(theirs) and theirs
    if theirs or not twin or copy:tag() == "memory" then
      copy.alias = { name = theirs or ("ua-%s-%s-%s"):format(copy:tag(), identity.fingerprint(element), table.concat(random(4, "%02x"))) }
    end
  end
  return copy
end

local CONTROLLERS = { pci = { "pci", "bus" }, usb = { "usb", "bus" }, ["virtio-serial"] = { "virtio-serial", "controller" } }

-- A copy for the configuration, at the address that the device has in the running guest, if that is free there.
function devices.at_address_of(guest, element, twin)
  local address, kind = address_of(twin)
  local controller = CONTROLLERS[kind]
  if not address or not controller or element:child("address") then
    return element
  end
  local has_controller = false
  for _, other in ipairs(all(guest, nil, true)) do
    if same_address(twin, other) then
      return element
    end
    has_controller = has_controller or other:tag() == "controller" and other:attribute("type") == controller[1]
      and values.number(other:attribute("index")) == address[controller[2]]
  end
  if not has_controller then
    return element
  end
  local copy = core.element(tostring(element))
  copy.address = twin:child("address")
  return copy
end

return devices
