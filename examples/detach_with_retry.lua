#!/usr/bin/env guestlua
-- Takes a device from a guest and its configuration, and waits until the guest has released it.
--
--   guestlua -c URI detach_with_retry.lua GUEST DEVICE
--
-- DEVICE is the device's alias, as in ua-vdb, or a disk's target, as in vdb.

local name, device = ...
if not device then
  error("usage: guestlua -c URI detach_with_retry.lua GUEST DEVICE", 0)
end

local host <close> = guestlua.open()
local guest = host:guest(name, { required = true })

local ok, result = pcall(guestlua.workflow.detach_with_retry, guest, device)
if ok then
  print(("%s has released %s: asked %d times, %.1f s"):format(name, device, result.attempts, result.seconds))
elseif result.kind == "device_not_found" then
  print(("%s has no %s"):format(name, device))
else -- device_detach_failed: the guest refuses, or does not answer
  error(result, 0)
end
