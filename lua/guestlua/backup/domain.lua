-- Adapts the configuration in a backup to the restored guest.

local core = require("guestlua.core")

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
local function rename(element, name, uuid)
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

-- The file with the UEFI variables in a guest's element; nil, and why not if they are in something else. libvirt has the path as text, or in a
-- <source> if it was written so.
function domain.nvram(element)
  local nvram = element.os and element.os.nvram
  if not nvram then
    return nil
  elseif not nvram.source then
    return nvram[1]
  elseif nvram.source.file then
    return nvram.source.file
  end
  return nil, "the UEFI variables are in no file, but on a volume or another machine"
end

local function set_nvram(element, path)
  local nvram = element.os.nvram
  if nvram.source then
    nvram.source.file = path
  else
    element.os.nvram = path
  end
end

-- Changes a libvirt element for the guest {name, uuid} with its disks on these files: { target =, path =, format = }. other: it is not the saved
-- guest. nvram: the path of its UEFI variables; nil: the backup has none. Returns the targets of dropped disks: a disk that is not in the backup
-- would be on the saved guest's image. So would its UEFI variables.
function domain.restored(xml, guest, files, other, nvram)
  local element, restored, dropped = core.element(xml), {}, {}
  if other then
    rename(element, guest.name, guest.uuid)
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
    set_nvram(element, nvram)
  elseif other and element.os and element.os.nvram then
    dropped[#dropped + 1] = "nvram"
    element.os.nvram = nil
  end
  return element, dropped
end

return domain
