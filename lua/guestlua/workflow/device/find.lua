-- Finds a device of a guest: by its alias, a disk's target, an interface's MAC address or name on the host, an Element, XML text, or a function.

local core = require("guestlua.core")
local define = require("guestlua.base.define")
local devices = require("guestlua.guest.devices")
local images = require("guestlua.guest.image")
local situation = require("guestlua.workflow.situation")

local find = {}

function find.alias_of(element)
  return element.alias and element.alias.name
end

-- The target of a disk. An interface's name on the host is not kept.
local function target_of(element)
  return element:tag() == "disk" and element.target and element.target.dev
end

-- Why a text can be no name of a device; nil: it can.
local function bad_name(text)
  return text == "" and "it is empty" or text:find("\0", 1, true) and "the string has a NUL byte in it"
    or text:find("^/") and "a path is no name of a device; a disk is known by its target, as \"vda\"" or nil
end

-- What distinguishes a device of these classes, and libvirt takes none without it.
local MARKS = { disk = { "target", "source" }, channel = { "target" }, filesystem = { "target", "source" }, hostdev = { "source" }, lease = { "key" },
  shmem = { "name" } }

-- The marks of its class that an element lacks; nil: it has one, or needs none.
local function lacking(element)
  local tag, marks = element:tag(), MARKS[element:tag()]
  local has = not marks or element.alias or element.address or tag == "disk" and (element.target and element.target.dev or images.of(element))
  for _, mark in ipairs(tag ~= "disk" and marks or {}) do
    has = has or element[mark]
  end
  return not has and marks or nil
end

-- Why an element describes no device of its own; nil: it does. It would be any of its class, of which a guest may have one alone.
local function bad_element(element)
  local says = next(element:attributes()) ~= nil or element:children()[1] ~= nil
  if not says then
    return ("the <%s> says nothing of the device"):format(element:tag())
  elseif lacking(element) then
    return ("a <%s> with its %s, or an alias or address, expected: this could be any"):format(element:tag(), table.concat(lacking(element), " or "))
  end
end

-- Whether the guest is running, and whether it has a configuration: the places of its devices. Raises if the host does not know the guest.
function find.places(guest)
  return { live = guest:is_active(), persistent = guest:has_persistent_configuration() }
end

-- Refuses options that leave no place: nothing would be done.
function find.check_places(options, method)
  if options.live == false and options.persistent == false then
    define.bad(method, "persistent", "it is false, and so is live: nothing is left to do")
  end
end

-- A function that returns the device as it is now, from the running guest or (true) the persistent configuration, or nil.
-- device: its alias, a disk's target, an interface's MAC address or name on the host, an Element, XML text, or such a function.
function find.finder(guest, device, method)
  if type(device) == "function" then
    return device
  elseif type(device) == "string" and bad_name(device) then -- as no device is called so, it would be said to be gone
    define.bad(method, "device", bad_name(device))
  elseif type(device) == "string" and not device:find("<", 1, true) then
    return devices.finder_by_name(guest, device, method)
  end
  local element = type(device) == "string" and core.element(device) or device
  local ok, e = pcall(core.check_self, element, "Element", method)
  if not ok and e.kind == "closed" then
    error(e, 0)
  elseif not ok then
    define.bad(method, "device", "a name, an Element, XML text or a function expected, got " .. core.type_name(device))
  end
  if bad_element(element) then
    define.bad(method, "device", bad_element(element))
  end
  return devices.finder(guest, element, method)
end

-- Whether a disk is one that had the image: it still has, or has it below by now.
local function has_image(disk, image)
  for _, name in ipairs(situation.images_of(disk)) do
    if name == image then
      return true
    end
  end
  return false
end

-- The same function for a device that it has found, an Element: nil if another device has its place by now. libvirt, too, goes by the place.
-- nil: the caller's own function decides.
function find.again(guest, device, method, get_conf, first)
  if type(device) == "function" or not first then
    return nil
  end
  local image, by_element = first:tag() == "disk" and situation.image_of(first), devices.finder(guest, first, method)
  return function(persistent)
    local now = get_conf(persistent)
    if now and image then
      return now.target.dev == first.target.dev and has_image(now, image) and now or nil
    end
    return now and by_element(persistent) and now or nil
  end
end

function find.name_of(device, found)
  return type(device) == "string" and not device:find("<", 1, true) and device
    or found and (target_of(found) or found.mac and found.mac.address or find.alias_of(found) or found:tag()) or "device"
end

return find
