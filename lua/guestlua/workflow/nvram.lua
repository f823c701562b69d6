-- Where a guest's UEFI variables are. If libvirt chooses the firmware, or the file, the configuration of a guest that is off need not name the file:
-- libvirt puts it below a directory of its own, in the name of the guest, and says so as the arguments that QEMU would get.

local core = require("guestlua.core")
local json_for = require("guestlua.base.json")
local retry = require("guestlua.workflow.retry")

local nvram = {}

-- What libvirt needs of a configuration to choose its firmware. Of the devices it is the emulator.
local NEEDED = { name = true, uuid = true, memory = true, vcpu = true, os = true, features = true, launchSecurity = true, devices = true }

local NODE = '"node-name":"libvirt-pflash1-storage"'

-- The file that an element names; nil: it names none, with why, if they are in something else. libvirt has the path as text, or in a <source> if it
-- was written so.
function nvram.named(element)
  local found = element.os and element.os.nvram
  if not found then
    return nil
  elseif not found.source then
    return found[1]
  elseif found.source.file then
    return found.source.file
  end
  return nil, "the UEFI variables are in no file, but on a volume or another machine"
end

-- Whether libvirt gives a guest of that configuration a file that it does not name.
local function is_implied(element)
  local os = element.os
  local loader = os and os.loader
  return os ~= nil and not os.nvram and (os.firmware == "efi" or loader ~= nil and loader.type == "pflash" and loader.readonly == "yes")
    and not (loader and loader.stateless == "yes")
end

-- What libvirt would start QEMU with, without what the firmware does not depend on.
local function arguments_of(host, element)
  local copy = core.element(tostring(element))
  for _, child in ipairs(copy:children()) do
    if not NEEDED[child:tag()] then
      child:remove()
    end
  end
  for _, device in ipairs(copy.devices and copy.devices:children() or {}) do
    if device:tag() ~= "emulator" then
      device:remove()
    end
  end
  return host:domain_xml_to_native("qemu-argv", tostring(copy))
end

local function implied(host, element)
  local ok, text = retry.try(arguments_of, host, element)
  if not ok then
    return nil, "libvirt does not say where the UEFI variables are: " .. (core.Error.is(text) and text.message or tostring(text))
  elseif not text:find("pflash", 1, true) then
    return nil
  end
  for option in text:gsub("'\\''", "\1"):gmatch("'({[^']*})'") do
    if option:find(NODE, 1, true) then
      return json_for("nvram", "QEMU's arguments").decode((option:gsub("\1", "'"))).filename
    end
  end
  return nil, text:find("pflash1", 1, true) and "libvirt does not say which file has the UEFI variables" or nil
end

-- The file with the UEFI variables of a guest of that configuration on that host; nil: it has none, with why, if they are in something else or not
-- to be found. The third value: the configuration does not name the file.
function nvram.path(host, element)
  if is_implied(element) then
    local path, why = implied(host, element)
    return path, why, true
  end
  return nvram.named(element)
end

-- The same of a guest as it is now: if it runs, libvirt has chosen.
function nvram.of(guest)
  if guest:is_active() then
    return nvram.named(core.element(guest:get_xml_desc()))
  end
  return nvram.path(guest.host, core.element(guest:get_xml_desc({ dump_inactive = true })))
end

-- Names another file in an element.
function nvram.set(element, path)
  local found = element.os.nvram
  if found and found.source then
    found.source.file = path
  elseif found then
    element.os.nvram = path
  else
    element.os.nvram = { path }
  end
end

return nvram
