#!/usr/bin/env guestlua
-- Gives a guest a disk: the running one, and its configuration.
--
--   guestlua -c URI attach_with_retry.lua GUEST FILE TARGET
--
-- FILE is a raw image on the guest's host; TARGET is what the disk becomes, as in vdb. detach_with_retry.lua takes it away again.

local name, path, target = ...
if not target then
  error("usage: guestlua -c URI attach_with_retry.lua GUEST FILE TARGET", 0)
end

local host <close> = guestlua.open()
local guest = host:guest(name, { required = true })

local result = guestlua.workflow.attach_with_retry(guest, guestlua.device.disk({
  type = "file",
  device = "disk",
  driver = { name = "qemu", type = "raw" },
  source = { file = path },
  target = { dev = target, bus = "virtio" },
  alias = { name = "ua-" .. target }, -- by which it is known for sure
}))
for _, step in ipairs(result.steps) do
  print(("%s: %.1f s"):format(step.name, step.seconds))
end
print(("%s has %s"):format(name, target))
