-- Starts, wakes or resumes a guest, until libvirt says that it runs.

local calls = require("guestlua.log.calls")
local core = require("guestlua.core")
local io_error = require("guestlua.workflow.io_error")
local retry = require("guestlua.workflow.retry")
local state = require("guestlua.workflow.state")
local steps = require("guestlua.workflow.steps")

local up = {}

-- Seconds until a guest has to run by default, and by which libvirt's own call may exceed the option timeout.
local START_FOR, LATER = 60, 10

-- Seconds for a look at a guest after a call that failed.
local LOOK = 10

-- Calls fn(…). Success is whether is_so(the guest's state) then: the answer may be lost, and somebody else may have been faster.
local function unless_so(guest, is_so, fn, ...)
  local ok, e = retry.try(fn, ...)
  if not ok then
    local known, now = retry.try(state.of, guest.host, guest.uuid, core.now() + LOOK)
    if not known or not is_so(now) then
      error(e, 0)
    end
  end
end

-- libvirt keeps a saved memory that it could not load, and tries it again each time.
function up.launch(guest, seconds)
  local ok, e = pcall(unless_so, guest, function(now) return now.active end, guest.launch, guest, { timeout = seconds })
  if not ok and core.Error.is(e) and not retry.stops(e) then
    local known, is_saved = retry.try(guest.domain.has_managed_save_image, guest.domain, { timeout = LOOK })
    e.hint = known and is_saved and (e.hint and e.hint .. "; " or "")
      .. "it was to go on from its saved memory: if that cannot be loaded, guest:launch{force_boot=true} throws it away and boots" or e.hint
  end
  if not ok then
    error(e, 0)
  end
end

-- Waits until the guest runs; a guest that was saved while paused is paused again. Returns its state then.
function up.await_running(guest, events, timeout, on_event)
  local deadline = core.now() + (timeout or START_FOR)
  if core.dry_run() then
    return calls.waits(guest, ("the guest to run, %g s at most"):format(timeout or START_FOR))
  end
  local resumed, by_others = false, false
  local function note(event)
    by_others = by_others or event.type == "suspended" and event.detail == "paused"
    if on_event then
      on_event(event)
    end
  end
  while true do
    local now, late = state.await(guest, events, deadline, function(now)
      return state.runs(now) or state.is_off(now) or now.word == "paused" and not resumed
    end, note)
    if now and now.word == "paused" then -- libvirt says the same of both, and its events do not
      state.hear(events, note, function()
        return by_others
      end)
    end
    if now and state.runs(now) then
      return now
    elseif now and state.is_off(now) then
      steps.fail("operation_failed", guest, { message = "the guest stopped again at once", hint = "libvirt's log of the guest says why" })
    elseif not now then
      steps.fail("timeout", guest, {
        message = ("the guest is '%s', and does not run within %g s"):format(late.word, timeout or START_FOR),
        hint = late.word == "paused" and "does a disk of it fail? guest:get_disk_errors()" or nil,
      })
    end
    if by_others then
      steps.fail("conflict", guest, {
        message = "somebody else has paused the guest since it was started",
        hint = "guestlua.workflow.ensure_running(guest) resumes it",
      })
    end
    local disks = io_error.trouble(guest)
    if disks then
      io_error.fail(guest, disks)
    end
    resumed = true
    unless_so(guest, state.runs, guest.resume, guest) -- libvirt may have been about to let it run
  end
end

-- Makes the guest run. Returns what was done: "launched", "restored", "unpaused", or "running" if nothing was.
function up.bring_up(run, guest, options)
  local before = run:part("look", state.look, guest)
  if state.runs(before) then
    return "running"
  elseif not before.known then
    steps.fail("no_domain", guest, { message = "the host does not know the guest (any more)" })
  elseif before.active and before.word ~= "paused" and before.word ~= "pmsuspended" and before.word ~= "crashed" then
    steps.fail("operation_invalid", guest, { message = ("the guest is '%s'"):format(before.word) })
  end
  local failed = io_error.trouble(guest) ~= nil
  state.check(guest, { shutoff = true, pmsuspended = true, ioerror = true, job = failed }, before)
  local wake = before.word == "pmsuspended"
  local how, started = wake and "woken" or before.active and "unpaused" or "launched", before.active or core.dry_run()
  local events <close> = guest:subscribe("lifecycle")
  local function on_event(event)
    if event.type == "started" then
      started = true
      how = event.detail == "restored" and "restored" or how
    end
  end
  if before.active then
    run:change(wake and "wake" or "resume", unless_so, guest, state.runs, wake and guest.pm_wakeup or guest.resume, guest)
  else
    run:change("launch", up.launch, guest, options.timeout and options.timeout + LATER)
  end
  run:part("wait", up.await_running, guest, events, options.timeout, on_event)
  if failed then
    run:part("disks", io_error.check_goes_on, guest)
  end
  state.hear(events, on_event, function()
    return started
  end)
  return how
end

up.FIELDS = {
  { name = "changed", type = "boolean", help = "whether anything was done" },
  { name = "how", type = "\"launched\"|\"restored\"|\"unpaused\"|\"woken\"|\"running\"", help = "what was done; restored: it had been suspended; "
    .. "woken: it was asleep; running: it ran already" },
}

steps.define({
  name = "ensure_running",
  help = "Makes sure that the guest runs: starts it, wakes it, or resumes it if it is paused, and waits until it runs. A running guest is left "
    .. "alone.",
  fields = up.FIELDS,
  params = {
    { name = "guest", type = "Guest", positional = true, required = true, help = "the Guest" },
    { name = "timeout", type = "number", help = "seconds until it has to run; default 60" },
  },
  own_timeout = true,
  plan = function() end,
  left = state.left,
  { "start", run = function(run) run.how = up.bring_up(run, run.guest, run.options) end, parts = true },
  result = function(run)
    return { how = run.how, changed = run.how ~= "running" }
  end,
})

return up
