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

-- The elements below a device with what a character device has: its own, or that of what it gets its data from.
local function sources(device)
  local list = { device }
  for _, backend in ipairs(device:children("backend")) do
    list[#list + 1] = backend
  end
  return list
end

-- rename: a function from the path of something that the guest writes to, or listens on, to the new guest's.
local function rename_paths(element, rename)
  for _, device in ipairs(element.devices and element.devices:children() or {}) do
    local tag = device:tag()
    for _, one in ipairs(tag ~= "disk" and tag ~= "filesystem" and sources(device) or {}) do
      local source = one.source
      local kind, mode = one.type, source and source.mode
      if source and source.path and (OF_ITS_OWN[kind] and mode ~= "connect" or tag == "interface" and mode == "server") then
        source.path = rename(source.path)
      end
      if one.log and one.log.file then
        one.log.file = rename(one.log.file)
      end
    end
    if tag == "audio" and device.path then
      device.path = rename(device.path)
    end
    for _, one in ipairs(tag == "graphics" and { device, table.unpack(device:children("listen")) } or {}) do
      if one.socket then
        one.socket = rename(one.socket)
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
  for _, vsock in ipairs(element.devices:children("vsock")) do
    vsock.cid = { auto = "yes" }
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

-- Gives the element the name and the UUID of another guest, and what two guests that run at once cannot have in common. taken: the paths that guests
-- have, by their names.
function domain.become(element, name, uuid, taken)
  local was = element.name[1]
  element.name = { name }
  set_uuid(element, uuid)
  forget_addresses(element)
  rename_paths(element, function(path)
    local own = own_path(path, was, name)
    return taken[own] ~= nil and ("%s.%s"):format(own, uuid) or own
  end)
end

-- What the guest writes to that is no disk, and that another guest must not have too: an element's description for people; nil: nothing.
function domain.kept_elsewhere(element)
  local backing = element.memoryBacking
  local shared = backing and backing.access and backing.access.mode == "shared"
  for _, memory in ipairs(element.devices and element.devices:children("memory") or {}) do
    local path = memory.source and memory.source.path
    local is_written = memory.access == "shared" or not memory.access and (shared or memory.model == "virtio-pmem")
    if path and is_written and not (memory.target and memory.target.readonly) then
      return ("its memory device %s is kept in %s"):format(memory.model or "", path[1])
    end
  end
  local loader = element.os and element.os.loader
  if loader and loader.type == "pflash" and loader.readonly == "no" then
    return ("it may write to its firmware, %s"):format(loader[1])
  end
end

-- Changes the guest's element into the clone's. files: a list of {target, path, format, below}.
function domain.of_clone(element, clone, files, nvram, taken)
  domain.become(element, clone.name, clone.uuid, taken or {})
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
