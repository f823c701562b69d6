-- Devices: attached and detached until the guest has really done it. The persistent configuration and the running guest are separate steps; each is
-- checked in the guest's XML; success is what the XML says, never a missing event.

local core = require("guestlua.core")
local define = require("guestlua.define")
local frame = require("guestlua.workflow.frame")
local journal = require("guestlua.journal")
local undo = require("guestlua.undo")
local workflow = require("guestlua.workflow")

local ATTEMPTS, TIMEOUT = 8, 20 -- the reference's; seconds

-- How long a device may still be in the XML after the event said that it is gone, in seconds.
local SETTLE = 5

-- ---- finding it ----

local function alias_of(element)
  return element.alias and element.alias.name
end

-- The target of a disk. An interface's name on the host is not kept.
local function target_of(element)
  return element:tag() == "disk" and element.target and element.target.dev
end

-- Whether two elements are the same device. libvirt's own aliases are only in the running guest.
local function is_same(one, other)
  local alias, target = alias_of(one), target_of(one)
  return alias ~= nil and alias == alias_of(other) or target and target == target_of(other)
end

local function find(guest, kind, persistent, matches)
  for _, candidate in ipairs(guest:get_all_devices(kind, { from_persistent_config = persistent })) do
    if matches(candidate) then
      return candidate
    end
  end
end

-- A function that gives the device as it is now, from the running guest or (true) the persistent configuration, or nil.
local function finder_of_element(guest, element, method)
  local kind = element:tag()
  if kind == "interface" or kind == "hostdev" then
    return function(persistent)
      return guest:get_interface_by_cfg(element, { from_persistent_config = persistent })
    end
  elseif not alias_of(element) and not target_of(element) then
    define.bad(method, "device", ("a <%s> is found by its alias: give it one, <alias name=\"ua-…\"/>"):format(kind))
  end
  return function(persistent)
    return find(guest, kind, persistent, function(candidate)
      return is_same(element, candidate)
    end)
  end
end

-- device: its alias, a disk's target, an Element, XML text, or such a function.
local function finder(guest, device, method)
  if type(device) == "function" then
    return device
  elseif type(device) == "string" and not device:find("<", 1, true) then
    local function by_name(persistent)
      return find(guest, nil, persistent, function(candidate)
        return alias_of(candidate) == device or target_of(candidate) == device
      end)
    end
    return function(persistent)
      local found = by_name(persistent)
      local live = persistent and not found and by_name(false)
      return found or live and finder_of_element(guest, live, method)(true) or nil
    end
  end
  local element = type(device) == "string" and core.element(device) or device
  core.check_self(element, "Element", method)
  return finder_of_element(guest, element, method)
end

local function name_of(device, found)
  return type(device) == "string" and not device:find("<", 1, true) and device
    or found and (target_of(found) or found.mac and found.mac.address or alias_of(found) or found:tag()) or "device"
end

-- ---- what libvirt's refusals mean ----

local function says(e, text)
  return (e.message or ""):find(text, 1, true) ~= nil
end

local function is_missing(e)
  return core.Error.is(e) and (e.code == 99 or (e.code == 9 or e.code == 1) and says(e, "not found") or e.code == 8 and says(e, "no target device"))
end

local function is_under_way(e)
  return core.Error.is(e) and e.code == 1 and says(e, "already in the process of unplug")
end

local function not_found(guest, name)
  frame.fail("device_not_found", guest, { device = name, message = ("Device '%s' not found."):format(name) })
end

-- ---- one at a time ----

local busy = {} -- signals, by guest and device: a second request interrupts an unplug that is under way

-- Calls fn when nobody else works on the device: with true where that had to be waited for.
local function alone(guest, found, fn)
  local key = guest.uuid .. " " .. name_of(nil, found)
  local waited = busy[key] ~= nil
  while busy[key] do
    busy[key]:wait()
  end
  busy[key] = core.signal()
  local guard <close> = undo.guard(function()
    busy[key]:wake()
    busy[key] = nil
  end)
  return fn(waited)
end

-- ---- detach ----

-- Asks once; raises what is final, and device_not_found.
local function ask(guest, name, conf, options)
  local ok, e = pcall(guest.detach_device, guest, conf, options)
  if ok or is_under_way(e) or core.Error.is(e, "no_domain") then
    return
  elseif is_missing(e) then
    not_found(guest, name)
  end
  error(e, 0)
end

-- Waits for the word of this device. "removed", "failed", or nil: the time is over.
local function verdict(events, guest, alias, timeout)
  local deadline = core.now() + timeout
  repeat
    local event = events:next(math.max(deadline - core.now(), 0))
    if event and event.event == "reconnected" then
      return nil -- it may have been told meanwhile: the XML knows
    elseif event and event.uuid == guest.uuid and event.dev_alias == alias then
      return event.event == "device_removed" and "removed" or "failed"
    end
  until not event and core.now() >= deadline
end

local function detach_live(guest, get_conf, name, conf, options)
  local timeout = options.timeout or TIMEOUT
  for attempt = 1, options.attempts or ATTEMPTS do
    local alias = alias_of(conf)
    if not alias then
      frame.fail("internal_error", guest, { device = name, message = "libvirt gave the device no alias: its removal could not be heard of" })
    end
    local events <close> = guest:subscribe({ "device_removed", "device_removal_failed" })
    ask(guest, name, conf, { live = true })
    local word = verdict(events, guest, alias, timeout)
    if word == "failed" then
      frame.fail("device_detach_failed", guest, {
        device = name,
        message = "the guest refused to let go of the device",
        hint = "does the guest's system use it still?",
      })
    end
    local settled = core.now() + (word == "removed" and SETTLE or 0)
    repeat
      conf = get_conf(false)
      if not conf then
        return attempt
      end
      core.sleep(0.1)
    until core.now() >= settled
  end
  frame.fail("device_detach_failed", guest, {
    device = name,
    message = ("the guest has not let go of the device, asked %d times, %g s each"):format(options.attempts or ATTEMPTS, timeout),
    hint = "is the guest's system up, and does it know how to let go of such a device?",
  })
end

-- Where the guest is, and whether it has a configuration: what there is to be done. A guest that is gone has neither.
local function places(guest)
  local ok, e = pcall(function()
    return { live = guest:is_active(), persistent = guest:has_persistent_configuration() }
  end)
  if not ok and not core.Error.is(e, "no_domain") then
    error(e, 0)
  end
  return ok and e or {}
end

local DETACH_PARAMS = {
  { name = "attempts", type = "integer", help = "how often the running guest is asked; 8 where nothing is said" },
  { name = "timeout", type = "number", help = "seconds to wait for it each time; 20 where nothing is said" },
  { name = "missing_ok", type = "boolean", help = "a device that is not there is no error" },
  { name = "live", type = "boolean", help = "false: not from the running guest" },
  { name = "persistent", type = "boolean", help = "false: not from the configuration" },
}

define(workflow, "workflow", {
  name = "detach_with_retry",
  help = "Detaches a device, from the persistent configuration and from the running guest, whichever have it, and waits until the guest has let "
    .. "go of it. Asked again only when the time is over; a guest that refuses is not asked again. Errors: device_not_found, device_detach_failed.",
  returns = "a table: workflow, guest, device, steps, seconds, attempts (how often the running guest was asked), changed (whether it was there)",
  params = {
    { name = "guest", type = "userdata", positional = true, required = true, help = "the Guest" },
    { name = "device", type = "any", positional = true, required = true, help = "its alias, a disk's target, an Element, XML text, or a function "
      .. "get_conf(from_persistent_config) that gives the Element or nil" },
    table.unpack(DETACH_PARAMS),
  },
  run = function(guest, device, options)
    core.check_self(guest, "Guest", "detach_with_retry")
    local get_conf = finder(guest, device, "detach_with_retry")
    return frame.run("detach_with_retry", guest, function(run)
      local function look()
        local place = places(guest)
        local stored = options.persistent ~= false and place.persistent and get_conf(true) or nil
        return stored, options.live ~= false and place.live and get_conf(false) or nil, place.persistent or place.live
      end
      local stored, live, somewhere = run:step("look", look)
      local name = name_of(device, live or stored)
      return alone(guest, live or stored, function(waited)
        if waited then
          stored, live, somewhere = look()
        end
        if somewhere and not stored and not live and not options.missing_ok then
          not_found(guest, name)
        end
        if stored and live then
          run:record({ step = "persistent", device = tostring(live) })
        end
        local guard <close> = undo.guard(function() -- luacheck: ignore guard
          run:left(run.at == "live" and stored and "the configuration does not have the device any more" or nil)
          run:forget() -- whoever called it knows
        end)
        if stored then
          run:step("persistent", function()
            local ok, e = pcall(ask, guest, name, stored, { persistent = true })
            if not ok and not (core.Error.is(e, "device_not_found") and (live or options.missing_ok)) then
              error(e, 0)
            elseif ok and get_conf(true) then
              frame.fail("device_detach_failed", guest, { device = name, message = "libvirt took it from the configuration, and it is still there" })
            end
          end)
        end
        local attempts = live and run:step("live", detach_live, guest, get_conf, name, live, options) or 0
        return { device = name, attempts = attempts, changed = stored ~= nil or live ~= nil }
      end)
    end)
  end,
})

-- It was to go from both.
journal.recoverers.detach_with_retry = function(_, guest, entry)
  if not guest then
    return "the guest is gone"
  end
  workflow.detach_with_retry(guest, entry.device, { missing_ok = true })
  return "detached"
end

-- ---- attach ----

-- What may work a moment later.
local function is_passing(e)
  return core.Error.is(e) and (e.kind == "operation_timeout" or is_under_way(e) or e.kind == "timeout" and not e.still_running)
end

local function attach_one(guest, get_conf, conf, options, persistent)
  for attempt = 1, options.attempts or ATTEMPTS do
    local ok, e = pcall(core.shield, guest.attach_device, guest, conf, { persistent = persistent, live = not persistent })
    core.check()
    local there = get_conf(persistent) ~= nil -- also where the answer was lost
    if there then
      return attempt
    elseif ok then
      frame.fail("operation_failed", guest, { message = "libvirt took the device, and the guest does not have it" })
    elseif not is_passing(e) or attempt == (options.attempts or ATTEMPTS) then
      error(e, 0)
    end
    core.sleep(options.pause or 2)
  end
end

define(workflow, "workflow", {
  name = "attach_with_retry",
  help = "Attaches a device to the running guest and then to its persistent configuration, and looks whether it is there. Tried again where "
    .. "libvirt says that another operation holds the guest. Where the second step fails the first is taken back.",
  returns = "a table: workflow, guest, device, steps, seconds",
  params = {
    { name = "guest", type = "userdata", positional = true, required = true, help = "the Guest" },
    { name = "device", type = "any", positional = true, required = true, help = "the device: an Element or XML text" },
    { name = "live", type = "boolean", help = "attach it to the running guest; where nothing is said, if it runs" },
    { name = "persistent", type = "boolean", help = "attach it to the configuration; where nothing is said, if the guest has one" },
    { name = "attempts", type = "integer", help = "how often each step is tried; 8 where nothing is said" },
    { name = "pause", type = "number", help = "seconds between two tries; 2 where nothing is said" },
  },
  run = function(guest, device, options)
    core.check_self(guest, "Guest", "attach_with_retry")
    local get_conf = finder(guest, device, "attach_with_retry")
    return frame.run("attach_with_retry", guest, function(run)
      local place = run:step("look", places, guest)
      local live, persistent = options.live, options.persistent
      if live == nil then
        live = place.live
      end
      if persistent == nil then
        persistent = place.persistent
      end
      local conf = type(device) == "string" and core.element(device) or device
      local name = name_of(device, conf)
      return alone(guest, conf, function()
        if live and get_conf(false) or persistent and get_conf(true) then
          frame.fail("operation_invalid", guest, { device = name, message = "the guest has this device already",
            hint = "guestlua.workflow.ensure_attached does not mind" })
        end
        local done = {}
        if live and persistent then
          run:record({ step = "live", device = tostring(conf) })
        end
        local guard <close> = undo.guard(function(failure)
          if not failure then
            return
          end
          run:left("the guest may have the device still; the journal knows: guestlua.recover(host)")
          for _, persistently in ipairs(done) do
            frame.insist(guest, function()
              local there = get_conf(persistently)
              if there and persistently then
                guest:detach_device(there, { persistent = true })
              elseif there then
                detach_live(guest, get_conf, name, there, {})
              end
            end)
          end
          run:left("undone: the guest does not have the device")
          run:forget()
        end)
        for _, persistently in ipairs({ false, true }) do
          if persistently and persistent or not persistently and live then
            done[#done + 1] = persistently -- before the call: its answer may be lost
            run:step(persistently and "persistent" or "live", attach_one, guest, get_conf, conf, options, persistently)
          end
        end
        guard:keep()
        return { device = name }
      end)
    end)
  end,
})

-- It was to come to both, or to none.
journal.recoverers.attach_with_retry = function(_, guest, entry)
  if not guest then
    return "the guest is gone"
  end
  local get_conf, place = finder(guest, entry.device, "attach_with_retry"), places(guest)
  local live, persistent = place.live and get_conf(false), place.persistent and get_conf(true)
  if live and persistent then
    return "attached"
  end
  workflow.detach_with_retry(guest, entry.device, { missing_ok = true })
  return "detached"
end

-- ---- idempotent ----

define(workflow, "workflow", {
  name = "ensure_attached",
  help = "Attaches a device where the guest does not have it: attach_with_retry for the running guest and for its configuration, whichever lack it.",
  returns = "a table: workflow, guest, steps, seconds, changed (whether anything was done)",
  params = {
    { name = "guest", type = "userdata", positional = true, required = true, help = "the Guest" },
    { name = "device", type = "any", positional = true, required = true, help = "the device: an Element or XML text" },
  },
  run = function(guest, device)
    core.check_self(guest, "Guest", "ensure_attached")
    local get_conf = finder(guest, device, "ensure_attached")
    return frame.run("ensure_attached", guest, function(run)
      local live, persistent = run:step("look", function()
        local place = places(guest)
        return place.live and not get_conf(false) or false, place.persistent and not get_conf(true) or false
      end)
      if live or persistent then
        run:step("attach", workflow.attach_with_retry, guest, device, { live = live, persistent = persistent })
      end
      return { changed = live or persistent }
    end)
  end,
})

define(workflow, "workflow", {
  name = "ensure_detached",
  help = "Detaches a device where the guest has it: detach_with_retry without an error where it is not there.",
  returns = "as detach_with_retry; changed: whether anything was done",
  params = {
    { name = "guest", type = "userdata", positional = true, required = true, help = "the Guest" },
    { name = "device", type = "any", positional = true, required = true, help = "as in detach_with_retry" },
    table.unpack(DETACH_PARAMS, 1, 2),
  },
  run = function(guest, device, options)
    local result = workflow.detach_with_retry(guest, device, { attempts = options.attempts, timeout = options.timeout, missing_ok = true })
    result.workflow = "ensure_detached"
    return result
  end,
})

return { finder = finder }
