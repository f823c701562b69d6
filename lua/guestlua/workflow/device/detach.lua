-- Detaches devices, and waits until the guest has really released them. The persistent configuration and the running guest are separate steps, each
-- checked in the guest's XML: the XML proves success, never a missing event.

local calls = require("guestlua.log.calls")
local core = require("guestlua.core")
local find = require("guestlua.workflow.device.find")
local refusal = require("guestlua.workflow.device.refusal")
local state = require("guestlua.workflow.state")
local steps = require("guestlua.workflow.steps")

local ATTEMPTS, TIMEOUT = 8, 20 -- the reference's; seconds

-- Seconds that a device may still be in the XML after the event reported its removal, and that a guest which does not run gets.
local SETTLE, DEAF = 5, 5

-- The address types of devices that the guest's system has to release: QEMU removes the others by itself.
local BY_GUEST = { pci = true, dimm = true, ccw = true }

-- What libvirt keeps for the guest, and the guest does not have: it has no alias, no event reports its removal, and it is gone when the call is over.
local BESIDE = { lease = true }

local detach = {}

local function not_found(guest, name)
  steps.fail("device_not_found", guest, { device = name, message = ("Device '%s' not found."):format(name) })
end

-- Asks once; raises final errors, and device_not_found. found.asked: the guest may release it later.
local function ask(guest, found, conf, options)
  local ok, e = pcall(guest.detach_device, guest, conf, options)
  found.asked = found.asked or options.live and (ok or not core.Error.is(e) or e.may_change or refusal.is_under_way(e))
  if ok or refusal.is_under_way(e) or core.Error.is(e, "no_domain") then
    return
  elseif refusal.is_missing(e) then
    not_found(guest, found.name)
  end
  error(e, 0)
end

-- Waits for this device's event. "removed", "failed", or nil: the time is over.
local function verdict(events, guest, alias, timeout)
  local deadline = core.now() + timeout
  repeat
    local event = events:next(math.max(deadline - core.now(), 0))
    if event and event.event == "reconnected" then
      return nil -- the event may have come meanwhile: the XML knows
    elseif event and event.uuid == guest.uuid and event.dev_alias == alias then
      return event.event == "device_removed" and "removed" or "failed"
    end
  until not event and core.now() >= deadline
end

-- Why the guest cannot release the device now, as an error's fields, or nil. now: from state.ask, if it was just asked.
local function deaf(guest, conf, now)
  return not BESIDE[conf:tag()] and BY_GUEST[conf.address and conf.address.type or "pci"] and state.deaf(guest, now or state.look(guest)) or nil
end

-- found: what look has said.
function detach.live(guest, found, options)
  local again, name, conf = found.again.live, found.name, found.live
  local get_conf, timeout = again or found.get_conf, options.timeout or TIMEOUT
  for attempt = 1, options.attempts or ATTEMPTS do
    local beside = BESIDE[conf:tag()]
    local alias = find.alias_of(conf) or (beside or core.dry_run()) and name -- what a dry run has not attached has no alias yet
    if not alias then
      steps.fail("internal_error", guest, { device = name, message = "libvirt gave the device no alias: its removal could not be heard of" })
    end
    local events <close> = guest:subscribe({ "device_removed", "device_removal_failed" })
    if again and not again(false) then -- somebody else has detached it
      if options.missing_ok or attempt > 1 then
        return attempt
      end
      not_found(guest, name)
    end
    ask(guest, found, conf, { live = true })
    if core.dry_run() and beside then
      return attempt
    elseif core.dry_run() then
      calls.waits(guest, ("the guest to release %s, asked %d times at most, %g s each"):format(alias, options.attempts or ATTEMPTS, timeout))
      return attempt
    end
    local why = deaf(guest, conf)
    local word = beside and "removed" or verdict(events, guest, alias, why and math.min(timeout, DEAF) or timeout)
    if word == "failed" then
      found.asked = false -- that is final
      steps.fail("device_detach_failed", guest, {
        device = name,
        message = "the guest refused to release the device",
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
    if why then
      steps.fail("device_detach_failed", guest, { device = name, message = why.message .. ": it releases the device when it runs again",
        hint = why.hint })
    end
  end
  steps.fail("device_detach_failed", guest, {
    device = name,
    message = ("the guest has not released the device, asked %d times, %g s each"):format(options.attempts or ATTEMPTS, timeout),
    hint = "is the guest's system up, and does it know how to release such a device?",
  })
end

-- The places to detach from. A guest that is gone has none.
function detach.places(guest)
  local ok, e = pcall(find.places, guest)
  if not ok and not core.Error.is(e, "no_domain") then
    error(e, 0)
  end
  return ok and e or {}
end

-- Whether the guest is the running instance of that id: a device of one that has stopped is gone, and the same in the next is somebody else's.
function detach.is_instance(guest, id)
  return state.look(guest).id == id
end

-- Raises if the only place that the options leave is not there: that a device is not in it says nothing of the device.
local function check_place(guest, name, place, options)
  local why = options.persistent == false and not place.live and "the guest is off, and persistent=false leaves no place but the running guest"
    or options.live == false and not place.persistent and "the guest has no configuration, and live=false leaves no other place"
  if why then
    steps.fail("operation_invalid", guest, { device = name, message = why })
  end
end

-- The work to do: { stored, live, somewhere, name }: the device in the configuration and in the running guest, and whether the guest is there.
local function look(guest, get_conf, device, options)
  local place = detach.places(guest)
  local stored = options.persistent ~= false and place.persistent and get_conf(true) or nil
  local live = options.live ~= false and place.live and get_conf(false) or nil
  local name = find.name_of(device, live or stored)
  if (place.persistent or place.live) and not stored and not live and not options.missing_ok then
    check_place(guest, name, place, options)
    not_found(guest, name)
  end
  local again = { stored = find.again(guest, device, "detach_with_retry", get_conf, stored),
    live = find.again(guest, device, "detach_with_retry", get_conf, live) }
  return { stored = stored, live = live, name = name, again = again, get_conf = get_conf }
end

local function detach_stored(guest, found, missing_ok)
  local again, get_conf = found.again.stored, found.again.stored or found.get_conf
  local ok, e = pcall(function()
    if again and not again(true) then
      not_found(guest, found.name)
    end
    ask(guest, found, found.stored, { persistent = true })
  end)
  if not ok and not (core.Error.is(e, "device_not_found") and (found.live or missing_ok)) then
    error(e, 0)
  elseif not ok and get_conf(true) then
    steps.fail("device_detach_failed", guest, { device = found.name, message = "libvirt shows it in the configuration, and cannot find it there",
      hint = "write the configuration without it, with host:write_instance_config" })
  elseif ok and not core.dry_run() and get_conf(true) then
    steps.fail("device_detach_failed", guest, { device = found.name, message = "libvirt took it from the configuration, and it is still there" })
  end
end

-- Detaches a device within another run, which has the guest's claim; a missing device is fine.
function detach.now(guest, device, options)
  local get_conf = find.finder(guest, device, "detach_with_retry")
  local found = look(guest, get_conf, device, { missing_ok = true, live = options.live, persistent = options.persistent })
  if found.stored then
    detach_stored(guest, found, true)
  end
  if found.live then
    detach.live(guest, found, { attempts = options.attempts, timeout = options.timeout, missing_ok = true })
  end
end

detach.PARAMS = {
  { name = "attempts", type = "integer", least = 1, help = "how often the running guest is asked; default 8" },
  { name = "timeout", type = "number", help = "seconds to wait after each request; default 20" },
  { name = "missing_ok", type = "boolean", help = "a missing device is no error" },
  { name = "live", type = "boolean", help = "false: do not detach it from the running guest" },
  { name = "persistent", type = "boolean", help = "false: do not detach it from the configuration" },
}

-- Refuses, before anything is changed, if the running guest could not release the device. Returns the instance's id.
local function check_state(run, live)
  local guest, now = run.guest, state.look(run.guest)
  state.check(guest, { crashed = true, pmsuspended = true, ioerror = true, job = "backup" }, now)
  local why = deaf(guest, live, now)
  if why then
    run:fail(why.kind, { device = run.found.name, message = why.message .. ", and would have to release the device itself", hint = why.hint })
  end
  return now.id
end

local function plan(run)
  run.found = look(run.guest, run.args.get_conf, run.args.device, run.options)
  run.done = not run.found.stored and not run.found.live
  local id = run.found.live and check_state(run, run.found.live) or nil
  if not run.done then
    run:watch({})
  end
  return { device = tostring(run.found.live or run.found.stored or ""), id = id }
end

-- Which places have the device still, after a run that failed.
local function left(run)
  local found = look(run.guest, run.args.get_conf, run.args.device, { missing_ok = true })
  local live = found.live and "the running guest has the device" .. (run.found.asked and ", and may still release it" or "")
  local stored = found.stored and "the configuration has the device"
  return live and stored and live .. "; " .. stored or live or stored or "the guest does not have the device any more"
end

-- A killed run is brought to its end. What it had detached, and what is there again, somebody else has attached.
local function go_on(run)
  if not run.recovering then
    return
  end
  local guest, device, stored_next = run.guest, run.data.device, run.spec[run.reached][1] == "persistent"
  local get_conf = find.finder(guest, device, "detach_with_retry")
  local found = look(guest, get_conf, device, { missing_ok = true })
  local live = found.live and (detach.is_instance(guest, run.data.id) or stored_next and found.stored ~= nil) or false
  detach.now(guest, device, { live = live, persistent = stored_next })
  local theirs = found.live and not live or found.stored and not stored_next
  return theirs and "detached; the guest has the device again, by somebody else" or "detached"
end

local function result(run)
  return { device = run.found.name, attempts = run.attempts or 0, changed = not run.done }
end

local FIELDS = {
  { name = "device", type = "string", help = "its alias, or another name of it" },
  { name = "attempts", type = "integer", help = "how often the running guest was asked" },
  { name = "changed", type = "boolean", help = "whether it was there" },
}

local function spec(name, help, params, options_of)
  return {
    name = name,
    help = help,
    fields = FIELDS,
    own_timeout = true,
    params = params,
    arguments = function(run, device)
      find.check_places(run.options, name)
      run.options = options_of(run.options)
      run.args = { device = device, get_conf = find.finder(run.guest, device, name) }
    end,
    plan = plan,
    left = left,
    { "persistent", when = function(run) return run.recovering or run.found.stored end, undo = go_on, run = function(run)
      detach_stored(run.guest, run.found, run.options.missing_ok)
    end },
    { "live", when = function(run) return run.recovering or run.found.live end, recorded = true, run = function(run)
      run.attempts = detach.live(run.guest, run.found, run.options)
    end },
    result = result,
  }
end

local GUEST = { name = "guest", type = "Guest", positional = true, required = true, help = "the Guest" }

steps.define(spec("detach_with_retry",
  "Detaches a device from the persistent configuration and from the running guest, whichever have it, and waits until the guest has released it. "
  .. "The guest is asked again only after a timeout, never after a refusal. Errors: device_not_found, device_detach_failed.",
  { GUEST, { name = "device", type = "any", positional = true, required = true, help = "its alias, a disk's target, an interface's "
    .. "MAC address or its name on the host, an Element, XML text, or a function get_conf(from_persistent_config) that returns the Element or nil" },
    table.unpack(detach.PARAMS) },
  function(options)
    return options
  end))

steps.define(spec("ensure_detached",
  "Detaches a device if the guest has it: like detach_with_retry, but a missing device is no error.",
  {
    GUEST,
    { name = "device", type = "any", positional = true, required = true, help = "as in detach_with_retry" },
    table.unpack(detach.PARAMS, 1, 2),
  },
  function(options)
    return { attempts = options.attempts, timeout = options.timeout, wait = options.wait, missing_ok = true }
  end))

return detach
