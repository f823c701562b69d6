-- The identity of a device, per device class of libvirt. A row says what distinguishes two devices of the class:
--
--   need      these decide: if both have all of them, and they are equal, it is one device
--   may       if both have one of these and they differ, it is another device
--   place     properties that only one device of a guest can have: another device with the same is in the way
--   ignores   properties that libvirt adds or leaves out, and that do not identify the device
--   defaults  libvirt's default values
--   unit      the unit of sizes without one
--   same      replaces all of the above: true, false, or nil if it cannot be known of these two

local image = require("guestlua.guest.image")
local values = require("guestlua.guest.values")

local at = values.at

-- Names that people give: "1" and "01", and "on" and "yes", are two.
local NAMES = {}
for path in ("name target/name target/dev lockspace/ key/ source/network source/bridge source/dev"):gmatch("%S+") do
  NAMES[path] = values.name
end

-- true: both have it and it is equal; false: it differs; nil: one of them lacks it.
local function equal(wanted, other, path, normal)
  local a, b = at(wanted, path), at(other, path)
  if not a or not b or a == "" then
    return nil
  end
  normal = normal or NAMES[path] or values.plain
  return normal(a) == normal(b)
end

-- ---- interfaces ----

-- libvirt's generated names for interfaces on the host; it keeps no such name in the configuration.
local function is_generated(target)
  return not target or target == "" or target:find("^vnet%d") ~= nil or target:find("^macv[tl]a[pn]%d") ~= nil
end

local BECOMES = { bridge = true, direct = true, hostdev = true } -- the types of a running <interface type='network'>

local SOURCES = { "network", "bridge", "dev", "path", "address", "port" }

local function same_source(wanted, other)
  local mine, theirs = wanted:attribute("type"), other:attribute("type")
  if mine == theirs and mine == "vhostuser" then
    return equal(wanted, other, "source/path") ~= false
  elseif mine ~= theirs then
    local resolved = mine == "network" and BECOMES[theirs] or theirs == "network" and BECOMES[mine]
    return resolved and equal(wanted, other, "source/network") ~= false
  end
  for _, attribute in ipairs(SOURCES) do
    if equal(wanted, other, "source/" .. attribute) == false then
      return false
    end
  end
  local source, their_source = wanted:child("source"), other:child("source")
  local a, b = source and source:child("address"), their_source and their_source:child("address")
  return not a or not b or image.pci(a) == image.pci(b)
end

local function same_interface(wanted, other)
  local mac = equal(wanted, other, "mac/address", values.mac)
  if mac == false or not same_source(wanted, other) then
    return false
  end
  local target, theirs = at(wanted, "target/dev"), at(other, "target/dev")
  if wanted:attribute("type") ~= "vhostuser" and not is_generated(target) and target ~= theirs and (mac or not is_generated(theirs)) then
    return false
  end
  return mac
end

-- ---- disks ----

local function same_disk(wanted, other, options)
  local target = equal(wanted, other, "target/dev")
  local device = (wanted:attribute("device") or "disk") == (other:attribute("device") or "disk")
  if target == false or not device and wanted:attribute("device") then
    return false
  elseif options.seen then
    return target
  end
  local same = image.same(wanted, other, options.host)
  if same == false then
    return false
  end
  return target or same
end

-- ---- devices of the host ----

local function same_pci(mine, theirs, options)
  local a, b = mine:child("address"), theirs:child("address")
  if not a or not b then
    return false
  end
  local wanted, there = image.pci(a), image.pci(b)
  if wanted and wanted == there or not options.hexadecimal then
    return wanted ~= nil and wanted == there
  end
  for _, part in ipairs({ "domain", "bus", "slot", "function" }) do -- as the reference writes them, without 0x
    local number = tonumber(((a:attribute(part) or "0"):gsub("^0[xX]", "")), 16)
    if not number or number ~= values.number(b:attribute(part) or "0") then
      return false
    end
  end
  return true
end

local HOST_PATHS = {
  usb = { ["vendor/id"] = values.number, ["product/id"] = values.number, ["address/bus"] = values.number, ["address/device"] = values.number },
  scsi = {
    ["adapter/name"] = values.plain, ["address/bus"] = values.number, ["address/target"] = values.number, ["address/unit"] = values.number,
    protocol = values.plain, name = values.plain, ["host/name"] = values.lower, ["host/port"] = values.number,
  },
  scsi_host = { wwpn = values.lower, protocol = values.plain },
  mdev = { ["address/uuid"] = values.uuid },
  storage = { ["block/"] = values.path },
  misc = { ["char/"] = values.path },
  net = { ["interface/"] = values.plain },
}

local function same_hostdev(wanted, other, options)
  local kind = wanted:attribute("type")
  local mine, theirs = wanted:child("source"), other:child("source")
  if kind ~= other:attribute("type") or not mine or not theirs then
    return false
  elseif kind == "pci" then
    return same_pci(mine, theirs, options)
  end
  local known = false
  for path, normal in pairs(HOST_PATHS[kind] or {}) do
    local same = equal(mine, theirs, path, normal)
    if same == false then
      return false
    end
    known = known or same == true
  end
  return known
end

-- ---- file systems ----

local FILES = { "source/dir", "source/file", "source/name", "source/dev", "source/socket", "source/pool", "source/volume" }

local function usage(element)
  return values.size(at(element, "source/usage"), at(element, "source/units"), "KiB")
end

local function same_filesystem(wanted, other)
  for _, path in ipairs(FILES) do
    if equal(wanted, other, path, values.path) == false then
      return false
    end
  end
  local mine, theirs = usage(wanted), usage(other)
  if mine and theirs and mine ~= theirs then
    return false
  end
  return equal(wanted, other, "target/dir", values.path)
end

-- ---- the classes ----

local CHARACTER = { "type", "target/type", "target/port", "target/name" }
local TERMINAL = { ["tty"] = true, ["source/path"] = function(element) return element:attribute("type") == "pty" end }

local classes = {
  disk = { same = same_disk, place = { "target/dev" }, unique = true },
  interface = { same = same_interface, ignores = { target = true, source = true, type = true, guest = true } },
  hostdev = { same = same_hostdev, unique = true },
  filesystem = { same = same_filesystem, place = { "target/dir" }, unique = true },
  controller = { need = { "type", "index" }, may = { "model" }, place = { "type", "index" } },
  channel = { need = { "target/type", "target/name" }, may = CHARACTER, place = { "target/name" },
    ignores = { ["target/state"] = true, ["source/mode"] = true, ["source/path"] = TERMINAL["source/path"] } },
  serial = { may = CHARACTER, ignores = TERMINAL },
  parallel = { may = CHARACTER, ignores = TERMINAL },
  console = { may = CHARACTER, ignores = TERMINAL },
  shmem = { need = { "name" }, may = { "model/type", "role" }, place = { "name" } },
  lease = { need = { "lockspace/", "key/" }, place = { "lockspace/", "key/" } },
  memory = { unit = "KiB", ignores = { ["target/current"] = true } },
  watchdog = { defaults = { action = "reset" } },
  vsock = { ignores = { ["cid/address"] = function(element) return values.plain(at(element, "cid/auto") or "no") == "yes" end } },
  rng = { ignores = { driver = true } },
  graphics = {
    ignores = {
      passwd = true, passwdValidTo = true, listen = true, port = function(element)
        return at(element, "port") == "-1" or values.plain(at(element, "autoport") or "no") == "yes"
      end, tlsPort = true, websocket = true,
    },
  },
}

-- A class without a row is compared by all properties that are given.
local ANY = {}

-- ---- all properties ----

local WILD = { auto = true, default = true, [""] = true }

local function is_ignored(class, element, path)
  local rule = class.ignores and class.ignores[path]
  if type(rule) == "function" then
    return rule(element)
  end
  return rule
end

local function same_text(class, a, b)
  local mine, theirs = a[1]:match("^%s*(.-)%s*$"), b[1]:match("^%s*(.-)%s*$")
  if a:attribute("unit") or b:attribute("unit") or class.unit then
    local one, two = values.size(mine, a:attribute("unit"), class.unit), values.size(theirs, b:attribute("unit"), class.unit)
    if one and two then
      return math.ceil(one / 1024) == math.ceil(two / 1024)
    end
  end
  return values.plain(mine) == values.plain(theirs)
end

local ELSEWHERE = { alias = true, address = true, boot = true } -- its place, not its identity

-- "equal": the other one has all wanted properties; "part": it lacks some; nil: it differs.
local function agree(class, top, wanted, other, path)
  local result = "equal"
  for name, value in pairs(wanted:attributes()) do
    local theirs = other:attribute(name) or path == "" and class.defaults and class.defaults[name]
    local says = not is_ignored(class, top, path .. name) and name ~= "unit" and not WILD[value]
    local normal = NAMES[path .. name] or values.plain
    if says and theirs and normal(value) ~= normal(theirs) then
      return nil
    elseif says and not theirs then
      result = "part"
    end
  end
  if wanted[1]:find("%S") and not wanted:children()[1] and not same_text(class, wanted, other) then
    return nil
  end
  local index = {}
  for _, child in ipairs(wanted:children()) do
    local name = child:tag()
    index[name] = (index[name] or 0) + 1
    local theirs = other:children(name)[index[name]]
    if not (path == "" and ELSEWHERE[name]) and not is_ignored(class, top, path .. name) then
      local inner = theirs and agree(class, top, child, theirs, path .. name .. "/") or not theirs and "part"
      if not inner then
        return nil
      end
      result = inner == "part" and inner or result
    end
  end
  return result
end

-- ---- for other modules ----

local identity = {}

-- Whether these are one device by the identity of their class: true, false, or nil if it cannot be known.
-- options.seen: `wanted` is the device as it was found before. options.hexadecimal: PCI addresses are hexadecimal even without 0x. options.host: the
-- Host that knows the volumes.
function identity.same(wanted, other, options)
  local class = classes[wanted:tag()] or ANY
  if class.same then
    return class.same(wanted, other, options or {})
  end
  for _, path in ipairs(class.may or {}) do
    if not WILD[at(wanted, path) or ""] and equal(wanted, other, path) == false then
      return false
    end
  end
  local known = class.need ~= nil
  for _, path in ipairs(class.need or {}) do
    local same = equal(wanted, other, path)
    if same == false then
      return false
    end
    known = known and same or nil
  end
  return known or nil
end

-- Whether all properties of the wanted one apply to the other: "equal"; "part" if the other lacks some; nil if one differs.
function identity.agree(wanted, other)
  local class = classes[wanted:tag()] or ANY
  for path, value in pairs(class.defaults or {}) do
    if not at(wanted, path) and (at(other, path) or value) ~= value then
      return nil
    end
  end
  return agree(class, wanted, wanted, other, "")
end

-- Whether the other one is in a place that only one can have.
function identity.is_in_place(wanted, other)
  local class = classes[wanted:tag()] or ANY
  for _, path in ipairs(class.place or {}) do
    if not equal(wanted, other, path) then
      return false
    end
  end
  return class.place ~= nil
end

-- Whether a guest can have only one with this identity.
function identity.is_unique(element)
  return (classes[element:tag()] or ANY).unique or false
end

-- What the element says, in few hexadecimal digits that are the same for all spellings: the 64-bit FNV-1a hash of its properties.
function identity.fingerprint(element)
  local words = {}
  local function add(node, unsaid)
    local unit, names = node:attribute("unit"), {}
    local size = (unit or unsaid) and values.size(node[1], unit, unsaid)
    for name in pairs(node:attributes()) do
      names[#names + 1] = not (size and name == "unit") and name or nil
    end
    table.sort(names)
    words[#words + 1] = "<" .. node:tag()
    for _, name in ipairs(names) do
      words[#words + 1] = name .. "=" .. values.plain(node:attribute(name))
    end
    words[#words + 1] = size and ("%.0f"):format(size) or values.plain(node[1])
    for _, child in ipairs(node:children()) do
      add(child, unsaid)
    end
    words[#words + 1] = ">"
  end
  add(element, (classes[element:tag()] or ANY).unit)
  local text = table.concat(words, "\0")
  local sum = 0xcbf29ce484222325
  for i = 1, #text do
    sum = (sum ~ text:byte(i)) * 0x100000001b3
  end
  return ("%016x"):format(sum)
end

-- Whether the element has enough to distinguish it from every other of its class.
function identity.is_said(element)
  return identity.same(element, element) == true
end

return identity
