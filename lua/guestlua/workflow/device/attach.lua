-- Attaches devices, and checks that the guest really has them: in the running guest and in its configuration, or in neither.

local calls = require("guestlua.log.calls")
local core = require("guestlua.core")
local detach = require("guestlua.workflow.device.detach")
local devices = require("guestlua.guest.devices")
local find = require("guestlua.workflow.device.find")
local refusal = require("guestlua.workflow.device.refusal")
local retry = require("guestlua.workflow.retry")
local state = require("guestlua.workflow.state")
local steps = require("guestlua.workflow.steps")

local ATTEMPTS, PAUSE = 8, 2

-- Seconds for a look at the guest after a call that got no answer.
local LOOK = 5

-- A paused guest can be given a device; a guest with a job cannot.
local ANY_STATE = { crashed = true, pmsuspended = true, ioerror = true, job = "backup" }

local attach = {}

-- Errors after which another try may succeed.
local function is_passing(e)
  return core.Error.is(e) and (e.kind == "operation_timeout" or refusal.is_under_way(e) or e.kind == "timeout" and not e.still_running)
end

-- Whether the guest has the device. answered: libvirt's last call had an answer; if not, this one may get none either.
local function has(get_conf, persistent, answered)
  if answered then
    return get_conf(persistent)
  end
  local ok, found = retry.try(core.within, core.now() + LOOK, 0, get_conf, persistent)
  return ok and found
end

local function attach_one(guest, get_conf, conf, options, persistent)
  local attempts = options.attempts or ATTEMPTS
  for attempt = 1, attempts do
    local ok, e = pcall(core.shield, guest.attach_device, guest, conf, { persistent = persistent, live = not persistent })
    core.check()
    if core.dry_run() then
      calls.waits(guest, ("the device in the %s, tried %d times at most"):format(persistent and "configuration" or "running guest", attempts))
      return attempt
    elseif has(get_conf, persistent, ok or not core.Error.is(e, "timeout")) then -- even if the answer was lost
      return attempt
    elseif ok then
      steps.fail("operation_failed", guest, { message = "libvirt took the device, and the guest does not have it" })
    elseif not is_passing(e) or attempt == attempts then
      error(e, 0)
    end
    core.sleep(options.pause or PAUSE)
  end
end

local function element_of(device)
  return type(device) == "string" and core.element(device) or device
end

-- Attaches a device to the running guest within another run, which has the guest's claim.
function attach.live_now(guest, device)
  local conf = devices.complete(element_of(device))
  attach_one(guest, devices.finder(guest, conf, "attach_with_retry"), conf, {}, false)
end

-- The places to attach the device to: from the options, or all that the guest has.
local function places(run)
  local place, options = find.places(run.guest), run.options
  local live, persistent = options.live, options.persistent
  if live == nil then
    live = place.live
  end
  if persistent == nil then
    persistent = place.persistent
  end
  if not live and not persistent then
    run:fail("operation_invalid", { device = run.args.name, message = place.live and "the guest has no persistent configuration, and live is false"
      or "the guest is off, and persistent is false", hint = "without these options it is attached wherever the guest can have it" })
  end
  return live or false, persistent or false
end

local function arguments(run, device)
  find.check_places(run.options, run.workflow)
  run.args = { conf = element_of(device), get_conf = find.finder(run.guest, device, run.workflow) }
  run.args.name = find.name_of(device, run.args.conf)
end

-- Fills in what libvirt would add, so that it is the same in both places and the device can be found again.
local function data_of(run, live, persistent)
  local guest, get_conf = run.guest, run.args.get_conf
  local twin = not live and get_conf(false) or not persistent and get_conf(true) or nil
  run.args.conf = devices.complete(run.args.conf, twin)
  run.args.get_conf = devices.finder(guest, run.args.conf, run.workflow)
  local now = live and state.look(guest) or nil
  if live then
    state.check(guest, ANY_STATE, now)
  end
  run:watch({})
  return { device = tostring(run.args.conf), live = live, persistent = persistent, name = run.args.name, id = now and now.id }
end

local function plan(run)
  local get_conf = run.args.get_conf
  local live, persistent = places(run)
  if live and get_conf(false) or persistent and get_conf(true) then
    run:fail("operation_invalid", { device = run.args.name, message = "the guest has this device already",
      hint = "guestlua.workflow.ensure_attached does not mind" })
  end
  return data_of(run, live, persistent)
end

local function plan_to_ensure(run)
  local place, get_conf = find.places(run.guest), run.args.get_conf
  local live, persistent = place.live and not get_conf(false) or false, place.persistent and not get_conf(true) or false
  run.done = not live and not persistent
  return not run.done and data_of(run, live, persistent) or nil
end

local function attach_to(persistently)
  return function(run)
    local args = run.args
    local twin = persistently and run.guest:is_active() and args.get_conf(false)
    local conf = twin and devices.at_address_of(run.guest, args.conf, twin) or args.conf
    attach_one(run.guest, args.get_conf, conf, run.options, persistently)
  end
end

-- Detaches it from the places that it was to be attached to. If it is in all of them, a killed run was complete.
local function take_away(run)
  local guest, data = run.guest, run.data
  local get_conf, place = find.finder(guest, data.device, "detach_with_retry"), detach.places(guest)
  local live = data.live and place.live and get_conf(false)
  local persistent = data.persistent and place.persistent and get_conf(true)
  if run.recovering and (live or not data.live) and (persistent or not data.persistent) then
    return "attached"
  end
  local own = live and detach.is_instance(guest, data.id) or false
  detach.now(guest, data.device, { live = own, persistent = data.persistent })
  if live and not own and get_conf(false) then
    return "the guest was restarted since: the device that it has is somebody else's doing"
  end
  return run.recovering and "detached" or "undone: the guest does not have the device"
end

local function is_wanted(place)
  return function(run)
    return run.recovering or run.data[place]
  end
end

local function spec(name, help, fields, params, plan_, result)
  return {
    name = name,
    help = help,
    fields = fields,
    params = params,
    own_timeout = true,
    arguments = arguments,
    plan = plan_,
    { "live", when = is_wanted("live"), run = attach_to(false), undo = take_away },
    { "persistent", when = is_wanted("persistent"), run = attach_to(true), undo = take_away },
    result = result,
  }
end

local GUEST = { name = "guest", type = "Guest", positional = true, required = true, help = "the Guest" }
local DEVICE = { name = "device", type = "Element or XML text", positional = true, required = true, help = "the device" }

steps.define(spec("attach_with_retry",
  "Attaches a device to the running guest and then to its persistent configuration, and checks that it is there. It tries again if libvirt reports "
  .. "that another operation holds the guest. If the second step fails the first is taken back.",
  { { name = "device", type = "string", help = "its alias, or another name of it" } },
  {
    GUEST,
    DEVICE,
    { name = "live", type = "boolean", help = "attach it to the running guest; default: if it runs" },
    { name = "persistent", type = "boolean", help = "attach it to the configuration; default: if the guest has one" },
    { name = "attempts", type = "integer", least = 1, help = "how often each step is tried; default 8" },
    { name = "pause", type = "number", help = "seconds between two tries; default 2" },
  },
  plan,
  function(run)
    return { device = run.args.name }
  end))

steps.define(spec("ensure_attached",
  "Attaches a device if the guest does not have it, to the running guest and to its configuration, whichever lack it.",
  { { name = "changed", type = "boolean", help = "whether anything was done" } },
  { GUEST, DEVICE },
  plan_to_ensure,
  function(run)
    return { changed = not run.done }
  end))

return attach
