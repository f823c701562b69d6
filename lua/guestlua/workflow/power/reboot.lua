-- Shuts a guest down and starts it again.

local core = require("guestlua.core")
local down = require("guestlua.workflow.power.down")
local state = require("guestlua.workflow.state")
local steps = require("guestlua.workflow.steps")
local up = require("guestlua.workflow.power.up")

-- The reference's: seconds for a reboot's shutdown.
local REBOOT_FOR = 120

-- Seconds for a guest to shut down after it was asked before it is left alone, and for a launch while taking back.
local GOING_DOWN, LAUNCH = 30, 40

-- Makes the guest run again, or leaves it as before if it did not shut down: returns which. Can be called again. asked: it may shut down yet, which
-- is waited for with `waits`.
local function up_again(guest, id, asked, waits)
  local now = state.look(guest)
  if now.active and now.id == id and waits then
    local events <close> = guest:subscribe("lifecycle")
    local off, still = state.await(guest, events, core.now() + GOING_DOWN, function(then_)
      return state.is_off(then_) or then_.id ~= id
    end)
    now = off or still
  end
  if now.active and now.id == id then
    local word = state.runs(now) and "the guest runs as before" or ("the guest is '%s' as before"):format(now.word)
    return asked and word .. down.MAY or word
  elseif now.active then
    return state.runs(now) and "finished: the guest runs again" or ("finished: the guest was started again, and is '%s'"):format(now.word)
  elseif not now.known then
    steps.fail("no_domain", guest, { message = "the host does not know the guest any more" })
  end
  up.launch(guest, LAUNCH)
  return "the guest was started again"
end

local function plan(run)
  local before = state.look(run.guest)
  state.check(run.guest, { crashed = true, pmsuspended = true, ioerror = true, job = true }, before)
  down.check_hears(run.guest, before, run.options)
  down.check_persistent(run.guest)
  run.before = before
  return { id = before.id, asked = not down.is_deaf(before) or run.options.force or false }
end

local function shut_down(run)
  local options = run.options
  run.result = down.bring_down(run, run.guest, run.before, {
    timeout = options.timeout or REBOOT_FOR,
    retry_interval = options.retry_interval,
    force = options.force,
    reboots = true,
  })
end

local function start(run)
  local guest = run.guest
  local events <close> = guest:subscribe("lifecycle")
  if not run.result.restarted then
    run:change("launch", up.launch, guest)
  end
  run:part("wait", up.await_running, guest, events)
end

-- A request that timed out has been waited for already.
local function start_again(run)
  local asked = run.data.asked
  if run.request then
    asked = run.request.heard
  end
  return up_again(run.guest, run.data.id, asked, asked and not core.Error.is(run.failure, "timeout"))
end

steps.define({
  name = "reboot",
  help = "Shuts the guest down, as clean_shutdown does, and starts it again with its then current configuration. A guest that comes up again by "
    .. "itself is not started. If a step fails after the guest went down, it is still started before the error is raised.",
  fields = {
    { name = "restarted", type = "boolean", help = "true if it came up by itself" },
    table.unpack(down.FIELDS, 1, 3),
  },
  params = {
    { name = "guest", type = "Guest", positional = true, required = true, help = "the Guest; it must run, and have a persistent configuration" },
    { name = "timeout", type = "number", help = "seconds for the guest to shut down; default 120" },
    { name = "retry_interval", type = "number", help = "seconds after which it is asked again; default 10, at least 1" },
    { name = "force", type = "boolean", help = "power it off if it has not shut down by then; with timeout=0 at once" },
  },
  own_timeout = true,
  plan = plan,
  { "shutdown", run = shut_down, undo = start_again, parts = true },
  { "start", run = start, parts = true },
  result = function(run)
    run.result.changed = nil
    return run.result
  end,
})
