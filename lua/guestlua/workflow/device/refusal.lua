-- The meaning of libvirt's refusals to attach or detach a device, in its different releases.

local core = require("guestlua.core")

local refusal = {}

local function says(e, text)
  return (e.message or ""):find(text, 1, true) ~= nil
end

function refusal.is_missing(e)
  return core.Error.is(e) and (e.kind == "device_not_found" or e.code == 99
    or (e.code == 9 or e.code == 1) and says(e, "not found") or e.code == 8 and says(e, "no target device"))
end

function refusal.is_under_way(e)
  return core.Error.is(e) and e.code == 1 and says(e, "already in the process of unplug")
end

return refusal
