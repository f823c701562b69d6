-- Adapts the configuration in a backup to the restored guest.

local core = require("guestlua.core")
local become = require("guestlua.workflow.clone.domain").become
local nvrams = require("guestlua.workflow.nvram")

local domain = {}

-- The disk of an element with that target.
local function disk_of(element, target)
  for _, disk in ipairs(element.devices and element.devices:children("disk") or {}) do
    if disk.target and disk.target.dev == target then
      return disk
    end
  end
end

-- Takes away what a disk has because of its image: where that is, and what opens it.
local function forget_image(disk)
  disk.source, disk.backingStore, disk.mirror, disk.encryption, disk.auth = nil, nil, nil, nil, nil
end

-- Puts the disk on the image that it was restored to. Commands of SCSI are for devices only.
local function move(disk, file)
  disk.type = "file"
  disk.device = disk.device ~= "lun" and disk.device or "disk"
  disk.rawio, disk.sgio = nil, nil
  forget_image(disk)
  disk.source = { file = file.path }
  if disk.driver then
    disk.driver.type = file.format
  else
    disk.driver = { name = "qemu", type = file.format }
  end
end

-- The configuration with those of these disks that it lacks, because they were attached to the running guest only. text: the configuration.
function domain.with_disks(text, disks)
  local element, some = core.element(text), false
  for _, disk in ipairs(disks) do
    if not disk_of(element, disk.target) then
      local own = core.element(tostring(disk.element))
      own.alias, own.address = nil, nil -- libvirt gives it a place that is free in the configuration
      move(own, { path = disk.source, format = disk.format })
      element.devices:append(own)
      some = true
    end
  end
  return some and tostring(element) or text
end

-- Changes a libvirt element for the guest {name, uuid} with its disks on these files: { target =, path =, format = }. other: it is not the saved
-- guest, and may run beside it; taken: the paths that guests have (clone/domain.lua). nvram: the path to name for its UEFI variables; nil: none,
-- because the backup has none or libvirt finds them itself. Returns the targets of dropped disks: a disk that is not in the backup would be on the
-- saved guest's image. So would its UEFI variables.
function domain.restored(xml, guest, files, other, nvram, taken)
  local element, restored, dropped = core.element(xml), {}, {}
  if other then
    become(element, guest.name, guest.uuid, taken or {})
  end
  for _, file in ipairs(files) do
    restored[file.target] = true
    if not disk_of(element, file.target) then -- backups had no configuration of a disk that was attached to the running guest only
      element.devices:append(core.element("disk", { type = "file", device = "disk", target = { dev = file.target } }))
    end
    move(disk_of(element, file.target), file)
  end
  for _, disk in ipairs(element.devices:children("disk")) do
    local target = disk.target and disk.target.dev
    local kind = disk.device or "disk"
    local removable = kind == "cdrom" or kind == "floppy" and not (other and disk.source)
    if not restored[target] and not removable and not disk.readonly then
      dropped[#dropped + 1] = target
      disk:remove()
    end
  end
  if nvram then
    nvrams.set(element, nvram)
  elseif other and element.os and element.os.nvram then
    dropped[#dropped + 1] = "nvram"
    element.os.nvram = nil
  end
  return element, dropped
end

return domain
