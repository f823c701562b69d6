-- Adapts the configuration in a backup to the restored guest.

local core = require("guestlua.core")
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

-- Another guest needs other addresses, because both may run at the same time. libvirt makes new ones.
function domain.rename(element, name, uuid)
  element.name, element.uuid = name, uuid
  for _, interface in ipairs(element.devices and element.devices:children("interface") or {}) do
    interface.mac = nil
  end
end

-- Puts the disk on the image that it was restored to.
local function move(disk, file)
  disk.type = "file"
  disk.source = nil
  disk.backingStore, disk.mirror, disk.encryption = nil, nil, nil
  disk.source = { file = file.path }
  if disk.driver then
    disk.driver.type = file.format
  else
    disk.driver = { name = "qemu", type = file.format }
  end
end

-- Changes a libvirt element for the guest {name, uuid} with its disks on these files: { target =, path =, format = }. other: it is not the saved
-- guest. nvram: the path to name for its UEFI variables; nil: none, because the backup has none or libvirt finds them itself. Returns the targets of
-- dropped disks: a disk that is not in the backup would be on the saved guest's image. So would its UEFI variables.
function domain.restored(xml, guest, files, other, nvram)
  local element, restored, dropped = core.element(xml), {}, {}
  if other then
    domain.rename(element, guest.name, guest.uuid)
  end
  for _, file in ipairs(files) do
    restored[file.target] = true
    local disk = disk_of(element, file.target)
    if not disk then
      error(core.Error.new({ kind = "invalid_backup", message = ("the configuration has no disk '%s'"):format(file.target) }), 0)
    end
    move(disk, file)
  end
  for _, disk in ipairs(element.devices:children("disk")) do
    local target = disk.target and disk.target.dev
    local kind = disk.device or "disk"
    if not restored[target] and kind ~= "cdrom" and kind ~= "floppy" and not disk.readonly then
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
