-- The memory of a tiny guest that has just booted, kept in build/saved for all files of specs: to go on from it costs a quarter of a boot. It fits a
-- guest with the configuration of tiny-guest.xml, whatever its name and the places of its files.
--
--   local kept = saved.of(domain)         for this configuration, an Element; nil: a guest of this one has to boot
--   kept:put(file, disk)                  keeps what guest:save() has written, and the disk as it was then
--   kept:get(file, disk, guest, domain)   makes both for another guest, which is defined so; false if nothing is kept yet
--
-- It belongs to one kernel, QEMU and libvirt: for others there is a directory of its own.

local guestlua = require("guestlua")

local saved = {}

-- libvirt's struct _virQEMUSaveHeader: magic, version, length of what is before QEMU's own data, was_running, compressed, offset of the cookie there
-- or 0, and room.
local HEADER = "<c16I4I4I4I4I4c56"

local function run(command, ...)
  local code, out, err = guestlua.run("sh", { args = { "-c", command, "sh", ... } })
  if code ~= 0 then
    error(("%s: %s"):format(command, err), 0)
  end
  return out
end

-- What has to be the same for the memory to be of use.
local function versions()
  local stats = run("stat -L -c '%n %s %Y' build/tiny/vmlinuz build/tiny/initrd build/tiny/disk.qcow2 $(command -v qemu-system-x86_64)")
  return stats .. guestlua.version.libvirt
end

-- With words in place of the name and the files; nil: it has no such files.
local function neutral(domain)
  local copy = guestlua.element(tostring(domain))
  local serial = copy.devices.serial
  if not (serial and serial.source) then
    return nil
  end
  copy.name = "@NAME@"
  copy.os.kernel, copy.os.initrd = "@KERNEL@", "@INITRD@"
  copy.devices.disk.source.file = "@DISK@"
  serial.source.path = "@SERIAL@"
  return tostring(copy)
end

local standard, directory

local Kept = {}
Kept.__index = Kept

function saved.of(domain)
  if not standard then
    local file <close> = assert(io.open("spec/support/tiny-guest.xml"))
    standard = neutral(guestlua.element(file:read("a")))
    directory = "build/saved/" .. run('printf %s "$1" | sha256sum', versions() .. standard):sub(1, 12)
  end
  if neutral(domain) ~= standard then
    return nil
  end
  return setmetatable({ directory = directory }, Kept)
end

function Kept:put(file, disk)
  -- Whoever comes first: a directory is renamed to that name only as long as there is none.
  run([[set -e; mkdir -p build/saved; new=$(mktemp -d build/saved/new.XXXXXX); cp "$1" $new/memory; cp "$2" $new/disk.qcow2; chmod 755 $new
    mv -T $new "$3" 2>/dev/null || rm -rf $new]], file, disk, self.directory)
end

-- The XML of the kept guest, for another one.
local function for_guest(xml, guest, domain)
  local copy = guestlua.element(xml)
  copy.name, copy.uuid = guest.name, guest.uuid
  copy.os.kernel, copy.os.initrd = domain.os.kernel, domain.os.initrd
  copy.devices.disk.source.file = domain.devices.disk.source.file
  copy.devices.serial.source.path = domain.devices.serial.source.path
  for _, console in ipairs(copy.devices:children("console")) do -- libvirt shows the serial port as one
    console.source.path = domain.devices.serial.source.path
  end
  return tostring(copy)
end

function Kept:get(file, disk, guest, domain)
  local input <close> = io.open(self.directory .. "/memory", "rb")
  if not input then
    return false
  end
  local magic, version, length, running, compressed, at, room = HEADER:unpack(input:read(HEADER:packsize()))
  local data = input:read(length)
  local cookie = at > 0 and data:sub(at + 1) or ""
  local xml = for_guest(data:match("^[^\0]*"), guest, domain) .. "\0"
  local output <close> = assert(io.open(file, "wb"))
  output:write(HEADER:pack(magic, version, #xml + #cookie, running, compressed, at > 0 and #xml or 0, room), xml, cookie)
  output:close()
  run([[dd if="$2" of="$3" bs=1M skip="$1" iflag=skip_bytes oflag=append conv=notrunc status=none && cp "$4" "$5"]],
    tostring(HEADER:packsize() + length), self.directory .. "/memory", file, self.directory .. "/disk.qcow2", disk)
  return true
end

return saved
