-- The configuration of a backup's guest, changed so that it can be started alone to see whether it boots: on other disks, without a network,
-- devices of the host, or limits and places of the host that it came from.

local core = require("guestlua.core")
local domain = require("guestlua.backup.domain")
local new_uuid = require("guestlua.base.uuid")

-- Devices that stay. A channel stays if it is the agent's.
local DEVICES = { emulator = true, disk = true, controller = true, memory = true, channel = true, rng = true, input = true, panic = true,
  iommu = true, memballoon = true }

local AGENT = "org.qemu.guest_agent.0"

-- Elements about the host that it came from. Extra arguments of QEMU's may name anything.
local ELSEWHERE = { metadata = true, seclabel = true, resource = true, cputune = true, numatune = true, memtune = true, blkiotune = true,
  memoryBacking = true, commandline = true, override = true }

-- Files that QEMU reads besides, which only root may be allowed to read.
local KERNEL = { "kernel", "initrd", "dtb" }

local function change_disk(disk, own)
  if not own[disk.target and disk.target.dev] then
    disk:remove()
    return
  end
  disk.iotune, disk.transient, disk.shareable, disk.readonly = nil, nil, nil, nil
  disk.driver.cache, disk.driver.io, disk.driver.discard = "unsafe", nil, nil
end

local function change_devices(devices, files, directory, has_tpm)
  local own, agent, display = {}, false, false
  for _, file in ipairs(files) do
    own[file.target] = true
  end
  for _, device in ipairs(devices:children()) do
    local tag = device:tag()
    local is_agent = tag == "channel" and device.target and device.target.name == AGENT
    agent, display = agent or is_agent, display or tag == "video"
    if not DEVICES[tag] and not (tag == "tpm" and has_tpm) or tag == "channel" and not is_agent
      or tag == "rng" and device.backend and device.backend.model ~= "random" then
      device:remove()
    elseif tag == "disk" then
      change_disk(device, own)
    elseif is_agent then
      device.source = nil
    end
  end
  devices:append(core.element("serial", { type = "file", source = { path = directory .. "/console.log" } }))
  if display then
    devices:append(core.element("video", { model = { type = "vga" } }))
  end
  return agent
end

-- Without KVM the processor is emulated, and none of the host's.
local function change_processor(element)
  if element.type == "kvm" and not core.identify("/dev/kvm") then
    element.type, element.cpu = "qemu", nil
  end
  if element.vcpu then
    element.vcpu.cpuset = nil
  end
end

-- nvram: where its UEFI variables are, or nil; has_tpm: whether its TPM stays; directory: of the console's file. Returns the element, and the files
-- to be copied: to, by from.
return function(xml, files, nvram, has_tpm, directory)
  local element = domain.restored(xml, { name = "boot", uuid = new_uuid() }, files, true, nvram)
  local copies = {}
  for _, child in ipairs(element:children()) do
    if ELSEWHERE[child:tag():match("[^:]*$")] then
      child:remove()
    end
  end
  if not change_devices(element.devices, files, directory, has_tpm) then
    error(core.Error.new({ kind = "argument_unsupported", message = "the guest has no agent, so that nobody can see whether it boots" }), 0)
  end
  change_processor(element)
  for _, name in ipairs(KERNEL) do
    local path = element.os and element.os[name]
    path = path and path[1]
    if path then
      copies[path] = ("%s/%s"):format(directory, name)
      element.os[name] = copies[path]
    end
  end
  return element, copies
end
