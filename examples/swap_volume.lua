#!/usr/bin/env guestlua
-- Moves a disk of a running guest to another file, as on another file system, while the guest writes on.
--
--   guestlua -c URI swap_volume.lua GUEST DISK FILE [MEBIBYTES]
--
-- FILE is on the guest's host, and is made there. With MEBIBYTES the disk has that size afterwards.

local name, target, path, mebibytes = ...
if not path then
  error("usage: guestlua -c URI swap_volume.lua GUEST DISK FILE [MEBIBYTES]", 0)
end

local host <close> = guestlua.open()
local guest = host:guest(name, { required = true })

local volume = guestlua.device.disk({ type = "file", driver = { name = "qemu", type = "qcow2" }, source = { file = path } })
local result = guestlua.workflow.swap_volume(guest, target, volume, {
  resize_to = mebibytes and math.tointeger(mebibytes) * 2 ^ 20 | 0,
  on_progress = function(info)
    io.stderr:write(("copied %d of %d bytes\n"):format(info.cur, info.end_))
  end,
})
print(("%s of %s was %s"):format(target, name, table.concat(result.was, " <- ")))
print(("%s of %s is %s, after %.1f s"):format(target, name, table.concat(result.images, " <- "), result.seconds))
