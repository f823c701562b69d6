-- The configuration of a clone: what identifies the guest is the clone's own.

local new_uuid = require("guestlua.base.uuid")
local nvrams = require("guestlua.workflow.nvram")

local domain = {}

-- The path of a file that two guests cannot have in common: the old name in it becomes the new one, or the new one is put behind it.
local function own_path(path, was, name)
  local directory, base = path:match("^(.*/)([^/]*)$")
  if not directory then
    return path
  end
  local from, to = base:find(was, 1, true)
  if from then
    return directory .. base:sub(1, from - 1) .. name .. base:sub(to + 1)
  end
  return ("%s%s.%s"):format(directory, base, name)
end

-- Kinds of character devices that write to, or listen on, a path.
local OF_ITS_OWN = { file = true, unix = true }

local function rename_paths(element, was, name)
  for _, kind in ipairs({ "serial", "parallel", "console", "channel", "redirdev" }) do
    for _, device in ipairs(element.devices:children(kind)) do
      local source = device.source
      if source and source.path and OF_ITS_OWN[device.type] and source.mode ~= "connect" then
        source.path = own_path(source.path, was, name)
      end
      if device.log and device.log.file then
        device.log.file = own_path(device.log.file, was, name)
      end
    end
  end
end

-- Addresses and ports: libvirt chooses new ones.
local function forget_addresses(element)
  for _, interface in ipairs(element.devices:children("interface")) do
    interface.mac = nil
    if interface.type ~= "ethernet" then
      interface.target = nil
    end
  end
  for _, graphics in ipairs(element.devices:children("graphics")) do
    if graphics.port then
      graphics.port, graphics.tlsPort, graphics.websocket = nil, nil, nil
      graphics.autoport = "yes"
    end
  end
end

local function set_uuid(element, uuid)
  element.uuid = uuid
  if element.genid then
    element.genid = { new_uuid() }
  end
  local system = element.sysinfo and element.sysinfo.system
  for _, entry in ipairs(system and system:children("entry") or {}) do
    if entry.name == "uuid" then
      entry[1] = uuid
    end
  end
end

-- The path of the clone's UEFI variables, from that of the guest's.
function domain.nvram_path(path, was, name)
  return own_path(path, was, name)
end

-- Changes the guest's element into the clone's. files: a list of {target, path, format, below}.
function domain.of_clone(element, clone, files, nvram)
  local was = element.name[1]
  element.name = { clone.name }
  set_uuid(element, clone.uuid)
  forget_addresses(element)
  rename_paths(element, was, clone.name)
  for _, disk in ipairs(element.devices:children("disk")) do
    for _, file in ipairs(files) do
      if disk.target.dev == file.target then
        disk.type, disk.source, disk.backingStore = "file", nil, nil
        disk.source = { file = file.path }
        disk.driver = disk.driver or { name = "qemu" }
        disk.driver.type = file.format
      end
    end
  end
  if nvram then
    nvrams.set(element, nvram)
  end
  return element
end

return domain
