-- Shuts a guest down: asks, and waits by the guest's events until libvirt says that the guest is off. An accepted request alone is no success.

local calls = require("guestlua.log.calls")
local core = require("guestlua.core")
local retry = require("guestlua.workflow.retry")
local state = require("guestlua.workflow.state")
local steps = require("guestlua.workflow.steps")

local down = {}

-- The reference's: seconds for a clean shutdown, and between two requests.
local SHUTDOWN_FOR, RETRY_INTERVAL = 60, 10

-- Seconds until a powered-off guest has to be reported as off, and for each call for it.
local POWEROFF_FOR, EACH = 30, 15

local is_off = state.is_off

-- Errors that a second request would not change.
local FINAL = { access_denied = true, no_support = true, operation_denied = true }

-- After a request that was not waited for to its end.
down.MAY = "; it was asked to shut down, and may do so yet"

-- Asks the guest to shut down, again each `interval`, until it is off, restarts or the time is over. Returns "off", "restarted" or "late", and fills
-- `request`: asked (how often), heard (a request may have reached it), detail (why it stopped), rebooted (it came up again in the same process),
-- refusal (libvirt's last).
local function ask_down(guest, before, options, request)
  local timeout = options.timeout or SHUTDOWN_FOR
  local deadline, interval = core.now() + timeout, math.max(options.retry_interval or RETRY_INTERVAL, 1)
  local due, tries = core.now(), 0
  local events <close> = guest:subscribe({ "lifecycle", "reboot" })
  local function on_event(event)
    if event.event == "reboot" then
      request.rebooted = true
    elseif event.type == "stopped" then
      request.detail = event.detail
    end
  end
  local function is_over(now)
    return is_off(now) or now.id ~= before.id or options.reboots and request.rebooted
  end
  while true do
    local over = state.await(guest, events, math.min(due, deadline), is_over, on_event)
    if over then
      state.hear(events, on_event, function()
        return over.active or request.detail
      end)
      return is_off(over) and "off" or "restarted"
    elseif tries > 0 and core.now() >= deadline then
      return "late"
    end
    due, tries = core.now() + interval, tries + 1
    local heard = request.heard
    request.heard = true -- a signal may come during the call
    local ok, e = retry.try(guest.shutdown, guest, { timeout = math.max(math.min(interval, deadline - core.now()), 1) })
    request.heard = heard or ok or e.may_change or e.kind == "disconnected"
    if ok or e.kind ~= "timeout" or e.still_running then -- it is not asked again while the last request is still under way
      request.asked = request.asked + 1
    end
    request.refusal = not ok and e or nil
    if core.dry_run() then
      calls.waits(guest, ("the guest to be off, asked again each %g s, %g s at most%s"):format(interval, timeout,
        options.force and "; powered off then" or ""))
      return "off"
    elseif not ok and FINAL[e.kind] then
      error(e, 0)
    end
  end
end

local function restarted(guest)
  steps.fail("operation_failed", guest, { message = "the guest was off and runs again: somebody started it" })
end

-- Powers it off. A lost answer is neither a failure nor a success: the guest's state decides. A guest that was restarted meanwhile belongs to
-- somebody else.
function down.pull_plug(guest, id)
  local events <close> = guest:subscribe("lifecycle")
  local deadline, failure = core.now() + POWEROFF_FOR, nil
  repeat
    local ok, e = retry.try(guest.poweroff, guest, { timeout = EACH })
    if core.dry_run() then
      return calls.waits(guest, ("the guest to be off, %g s at most"):format(POWEROFF_FOR))
    end
    failure = not ok and e or failure
    local over = state.await(guest, events, ok and deadline or core.now() + 1, function(now)
      return is_off(now) or now.id ~= id
    end)
    if over and is_off(over) then
      return
    elseif over then
      restarted(guest)
    end
  until core.now() >= deadline or failure and FINAL[failure.kind]
  error(failure or core.Error.new({
    kind = "timeout",
    guest = guest.name,
    message = ("the guest still runs %g s after libvirt stopped it"):format(POWEROFF_FOR),
  }), 0)
end

local function too_late(guest, request, options)
  local refusal = request.refusal
  steps.fail("timeout", guest, {
    message = ("the guest has not shut down within %g s, asked %d time%s%s%s"):format(options.timeout or SHUTDOWN_FOR, request.asked,
      request.asked == 1 and "" or "s", request.rebooted and "; it came up again instead" or "",
      refusal and "; libvirt's last answer: " .. refusal.message or ""),
    hint = "force=true powers it off then",
    cause = refusal,
  })
end

-- States in which a guest cannot hear a shutdown request.
function down.is_deaf(now)
  return now.active and not state.runs(now) and now.word ~= "shutdown"
end

-- Refuses at once if the guest cannot react to the request and is not to be powered off.
function down.check_hears(guest, before, options)
  if options.force or is_off(before) then
    return
  end
  state.check(guest, { crashed = true, pmsuspended = true, ioerror = true, job = "backup" }, before)
  if down.is_deaf(before) then
    local why = state.deaf(guest, before) or { message = "the guest stands still" }
    steps.fail(why.kind or "operation_invalid", guest, {
      message = why.message .. ", and cannot hear that it should shut down",
      hint = (before.word == "crashed" or not why.hint) and "force=true powers it off" or why.hint .. "; or force=true: it is powered off",
    })
  end
end

-- Asks the guest to shut down, and with force powers it off then. Returns the workflow's result.
function down.bring_down(run, guest, before, options)
  local what, request = nil, { asked = 0 }
  run.request = request
  local deaf, hurry = down.is_deaf(before), options.force and options.timeout == 0
  if not deaf and not hurry then
    what = run:part("shutdown", ask_down, guest, before, options, request)
  end
  local result = { asked = request.asked, reason = request.detail, forced = false, changed = true }
  if what == "restarted" then
    if options.reboots then
      result.restarted = true
      return result
    end
    restarted(guest)
  elseif what ~= "off" then
    if not options.force then
      too_late(guest, request, options)
    end
    result.forced = true
    run:part("poweroff", down.pull_plug, guest, before.id)
  end
  return result
end

-- ---- the workflows ----

local GUEST = { name = "guest", type = "Guest", positional = true, required = true, help = "the Guest" }

local PARAMS = {
  GUEST,
  { name = "timeout", type = "number", help = "seconds for the guest to shut down; default 60" },
  { name = "retry_interval", type = "number", help = "seconds after which it is asked again; default 10, at least 1" },
  { name = "force", type = "boolean", help = "power it off if it has not shut down by then; with timeout=0 at once" },
  { name = "transient", type = "boolean", help = "stop it even if it is transient: libvirt forgets it then. Default: that is refused" },
}

down.FIELDS = {
  { name = "asked", type = "integer", help = "how often the guest was asked to shut down" },
  { name = "forced", type = "boolean", help = "whether it was powered off" },
  { name = "reason", type = "string?", help = "libvirt's word for why it stopped, if it was reported" },
  { name = "changed", type = "boolean", help = "false: it was off before" },
}

-- How a run that failed left its guest.
local function left(run)
  local known, now = retry.try(state.ask, run.guest.host, run.guest.uuid)
  local heard = run.request and run.request.heard
  if known then
    return ("the guest is '%s'%s"):format(now.word, now.active and heard and down.MAY or "")
  elseif heard then
    return "it is not known how the guest is" .. down.MAY
  end
  error(now, 0)
end

-- Raises if libvirt would forget the guest once it is off. hint: what else to do.
function down.check_persistent(guest, hint)
  local ok, persistent = pcall(guest.has_persistent_configuration, guest)
  if not ok and not core.Error.is(persistent, "no_domain") then
    error(persistent, 0)
  elseif ok and not persistent then
    steps.fail("operation_invalid", guest, {
      message = "the guest is transient: once it is off libvirt has forgotten it",
      hint = "define it first: host:write_instance_config(guest:get_xml_desc{dump_inactive=true, dump_sensitive=true})" .. (hint or ""),
    })
  end
end

local function plan(run)
  run.before = state.look(run.guest)
  run.done = is_off(run.before)
  run.result = run.done and { asked = 0, forced = false, changed = false }
end

local function result(run)
  return run.result
end

local function stop(run)
  down.check_hears(run.guest, run.before, run.options)
  if not run.options.transient then -- so is one that just comes here by a migration: that is a job
    down.check_persistent(run.guest, "; or transient=true: it may be forgotten")
  end
  run.result = down.bring_down(run, run.guest, run.before, run.options)
end

steps.define({
  name = "clean_shutdown",
  help = "Asks the guest to shut down and waits, by its events, until it is off. If the guest does not shut down in time, an error of kind "
    .. "\"timeout\" is raised and the guest runs on, unless force=true.",
  fields = down.FIELDS,
  params = PARAMS,
  own_timeout = true,
  plan = plan,
  left = left,
  { "stop", run = stop, parts = true },
  result = result,
})

steps.define({
  name = "ensure_stopped",
  help = "Makes sure that the guest is off, as clean_shutdown does. A guest that is off, or gone, is left alone.",
  fields = down.FIELDS,
  params = PARAMS,
  own_timeout = true,
  plan = plan,
  left = left,
  { "stop", run = stop, parts = true },
  result = result,
})

return down
