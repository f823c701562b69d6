-- Guest:attached: a device for a scope, as frozen and paused are (guest/guard.lua).

local core = require("guestlua.core")
local define = require("guestlua.base.define")
local devices = require("guestlua.guest.devices")
local guard = require("guestlua.guest.guard")
local turn = require("guestlua.guest.turn")

-- Whose turn it is goes by the device: others take their time to be released. device: an Element.
local function lock_of(device)
  return "attached-" .. require("guestlua.workflow.device.find").name_of(device, device):gsub("%W", "_"):sub(1, 100)
end

-- Detaches it from where it was attached, but not from a guest that was restarted since; returns whether it was.
local function take_away(guest, device, data)
  local detach = require("guestlua.workflow.device.detach")
  local live = data.live and detach.is_instance(guest, data.id)
  detach.now(guest, device, { live = live, persistent = data.persistent })
  return data.live and not live
end

define(core.Guest, "Guest", {
  name = "attached",
  method = true,
  help = "Attaches a device for a scope: local attached <close> = guest:attached(device, {live=true}). However the scope ends, the device is "
    .. "detached, and the end of that is awaited; attached:keep() leaves it with the guest.",
  result = "Guard",
  params = {
    { name = "conf", type = "any", positional = true, required = true, help = "the device: an Element or XML text" },
    { name = "persistent", type = "boolean", help = "attach it to the persistent configuration" },
    { name = "live", type = "boolean", help = "in the running guest" },
  },
  blocks = true,
  run = function(guest, conf, options)
    local device = type(conf) == "string" and core.element(conf) or conf
    local has = require("guestlua.workflow.device.find").finder(guest, device, "attached")
    device = devices.complete(device) -- so that it is found again beside others of its kind
    local lock = lock_of(device)
    local held <close> = guard.alone(guest, lock)
    local active, unsaid = guest:is_active(), not options.live and not options.persistent
    local live, persistent = options.live or unsaid and active or false, options.persistent or unsaid and not active or false
    if live and active and has(false) or persistent and has(true) then
      error(core.Error.new({ kind = "operation_invalid", op = "attached", guest = guest.name, message = "the guest has this device already" }), 0)
    end
    local data = { device = tostring(device), live = live, persistent = persistent, id = live and guard.id_of(guest) or nil }
    guest = core.another(guest)
    return guard.begun(guest, { name = "attached", data = data, turn = held, lock = lock, begin = function()
      return guard.record("attached", guest, data)
    end }, function(failure)
      turn.await_abandoned(guest, failure, guard.CALL_FOR)
      take_away(guest, device, data)
    end, function()
      guest:attach_device(device, { persistent = persistent, live = live }) -- "where it is now" may be elsewhere by then
    end)
  end,
})

guard.recoverer("attached", function(data)
  return lock_of(core.element(data.device))
end, function(guest, entry)
  if not guest then
    return "the guest is gone"
  end
  local was_restarted = take_away(guest, entry.data.device, entry.data)
  return was_restarted and "the guest was restarted since: if it has the device, that is somebody else's doing" or "detached"
end)
