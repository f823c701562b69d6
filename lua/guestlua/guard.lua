-- What is done to a guest for a while: frozen, paused, attached. Each is a to-be-closed value that takes it back on every way out of its scope.

local core = require("guestlua.core")
local define = require("guestlua.define")
local undo = require("guestlua.undo")

-- How long a thaw is tried again, in seconds: a guest that stays frozen is worse than a script that waits.
local THAW_FOR = 60

-- Whether the guest that a call failed on does not run any more: then there is nothing to take back.
local function is_gone(guest, e)
  if core.Error.is(e, "no_domain") then
    return true
  end
  local known, active = pcall(guest.is_active, guest, { timeout = 5 })
  return known and not active or not known and core.Error.is(active, "no_domain")
end

-- The agent's "not frozen" is success: thawing is harmless.
local function thaw(guest)
  local deadline = core.now() + THAW_FOR
  while true do
    local ok, e = pcall(guest.thaw_filesystems, guest, { timeout = THAW_FOR })
    if ok or is_gone(guest, e) then
      return
    elseif core.now() >= deadline or e.kind == "closed" or e.kind == "argument_unsupported" or e.kind == "no_support" then
      e.hint = "THE GUEST MAY BE FROZEN: when it answers again, guest:thaw_filesystems()"
      error(e, 0)
    end
    local known, alive = pcall(guest.host.is_alive, guest.host)
    if not (known and alive) then
      pcall(guest.host.reconnect, guest.host)
    end
    core.sleep(0.5)
  end
end

-- libvirt's time limit for the agent is one setting of the guest: who sets it has it alone until it is set back. By UUID.
local limited = {}

local function with_agent_limit(guest, seconds, fn)
  local uuid = guest.uuid
  while limited[uuid] do
    limited[uuid]:wait()
  end
  limited[uuid] = core.signal()
  local guard <close> = undo.guard(function()
    pcall(guest.agent_set_response_timeout, guest, nil, { timeout = THAW_FOR })
    limited[uuid]:wake()
    limited[uuid] = nil
  end)
  local ok, e = pcall(guest.agent_set_response_timeout, guest, math.max(math.ceil(seconds), 1))
  if not ok and e.kind ~= "no_support" then
    error(e, 0)
  end
  return fn()
end

-- Freezes; the agent's silence is told as a time that was over. The engine's own limit is the net under libvirt's.
local function freeze(guest, seconds)
  if not seconds then
    return guest:freeze_filesystems()
  end
  local began = math.huge
  local ok, e = pcall(with_agent_limit, guest, seconds, function()
    began = core.now()
    guest:freeze_filesystems({ timeout = seconds + 5 })
  end)
  local told_to = core.Error.is(e, "cancelled") or core.Error.is(e, "interrupted")
  if not ok and core.now() - began >= seconds and core.Error.is(e) and not told_to then
    e.message = ("the file systems were not frozen within %g s: %s"):format(seconds, e.message)
    e.kind = "timeout"
  end
  if not ok then
    error(e, 0)
  end
end

-- A guard, with what is to be done under it done: where that fails, what it did is taken back at once.
local function begun(take_back, fn)
  local result = undo.guard(take_back)
  local guard <close> = undo.guard(function(failure)
    if failure then
      result:close(failure)
    end
  end)
  fn()
  return result
end

define(core.Guest, "Guest", {
  name = "frozen",
  method = true,
  help = "Freezes the guest's file systems for a scope: local frozen <close> = guest:frozen(). They are thawed on every way out of it, "
    .. "and also where the freeze itself fails half-way; frozen:close() thaws before, frozen:keep() leaves them frozen.",
  returns = "a guard",
  params = {
    { name = "timeout", type = "number", help = "seconds that the freeze may take; then the guest is thawed, and an error of kind "
      .. "\"timeout\" is raised" },
  },
  run = function(guest, options)
    return begun(function()
      thaw(guest)
    end, function()
      freeze(guest, options.timeout)
    end)
  end,
})

define(core.Guest, "Guest", {
  name = "paused",
  method = true,
  help = "Pauses the guest for a scope: local paused <close> = guest:paused(). It goes on on every way out of it; one that was paused "
    .. "before stays so.",
  returns = "a guard",
  blocks = true,
  run = function(guest)
    local was = guest:get_info().state == 3 -- PAUSED
    return begun(function()
      local ok, e = pcall(function()
        if not was and guest:get_power_state() == 3 then
          guest:resume()
        end
      end)
      if not ok and not is_gone(guest, e) then
        error(e, 0)
      end
    end, function()
      if not was then
        guest:pause()
      end
    end)
  end,
})

define(core.Guest, "Guest", {
  name = "attached",
  method = true,
  help = "Attaches a device for a scope: local attached <close> = guest:attached(device, {live=true}). It is detached on every way out of it, "
    .. "and that is waited for; attached:keep() leaves it with the guest.",
  returns = "a guard",
  params = {
    { name = "conf", type = "any", positional = true, required = true, help = "the device: an Element or XML text" },
    { name = "persistent", type = "boolean", help = "in the configuration that it is started with" },
    { name = "live", type = "boolean", help = "in the running guest" },
  },
  blocks = true,
  run = function(guest, conf, options)
    local device = type(conf) == "string" and core.element(conf) or conf
    local find = require("guestlua.workflow.device").finder(guest, device, "attached")
    local active, unsaid = guest:is_active(), not options.live and not options.persistent
    local live, persistent = options.live or unsaid and active or false, options.persistent or unsaid and not active or false
    if live and active and find(false) or persistent and find(true) then
      error(core.Error.new({ kind = "operation_invalid", op = "attached", guest = guest.name, message = "the guest has this device already" }), 0)
    end
    return begun(function()
      require("guestlua.workflow").detach_with_retry(guest, device, { missing_ok = true, live = live, persistent = persistent })
    end, function()
      guest:attach_device(device, { persistent = options.persistent, live = options.live })
    end)
  end,
})
