#!/usr/bin/env guestlua
-- Copies a disk of a running guest to a file that needs no other, as the disk was at one moment.
--
--   guestlua -c URI live_snapshot.lua GUEST DISK FILE
--
-- The file systems are frozen for that moment where the guest agent answers. FILE is on the guest's host.

local name, disk, path = ...
if not path then
  error("usage: guestlua -c URI live_snapshot.lua GUEST DISK FILE", 0)
end

local host <close> = guestlua.open()
local guest = host:guest(name, { required = true })

local result = guestlua.workflow.live_snapshot(guest, disk, path, {
  quiesce = pcall(guest.agent_command, guest, '{"execute":"guest-ping"}', { agent_timeout = 5 }),
  on_progress = function(info)
    io.stderr:write(("copied %d of %d bytes\n"):format(info.cur, info.end_))
  end,
})
print(("%s of %s is in %s, after %.1f s"):format(disk, name, result.path, result.seconds))
if result.frozen_seconds then
  print(("its file systems were frozen for %.3f s"):format(result.frozen_seconds))
end
