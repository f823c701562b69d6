-- A live migration under way: its downtime grows, and if it takes too long it is aborted or forced to complete.

local core = require("guestlua.core")
local plan = require("guestlua.workflow.migrate.plan")
local retry = require("guestlua.workflow.retry")
local settle = require("guestlua.workflow.migrate.settle")
local state = require("guestlua.workflow.state")
local steps = require("guestlua.workflow.steps")

local is = core.Error.is

-- The reference's: seconds between two looks, and seconds per GiB that a migration may take.
local POLL, COMPLETION = 0.5, 800

-- Seconds until a call that may be refused at first has to be accepted, and until an aborted migration has to be over.
local PATIENCE = 10

local way = { POLL = POLL }

-- Notes a warning of the migration, which is no error.
local function note(run, e)
  run.warnings[#run.warnings + 1] = tostring(e)
end

local function set_downtime(run, elapsed)
  local ms = plan.downtime_at(run.downtime_steps, elapsed)
  if ms and ms ~= run.downtime then
    run.downtime = ms
    local ok, e = retry.try(run.guest.migrate_configure_max_downtime, run.guest, ms)
    run.downtimes[#run.downtimes + 1] = { after = elapsed, ms = ms, set = ok }
    if not ok then
      note(run, e)
    end
  end
end

-- A call that may be refused for now, for example because the job is about to begin: it is tried again at the next look, for a while.
local function insist(run, call)
  local ok, e = retry.try(call, run.guest)
  run.refused_since = not ok and (run.refused_since or core.now()) or nil
  if not ok and run.task:status() == "running" and core.now() - run.refused_since >= PATIENCE then
    error(e, 0)
  end
  return ok
end

-- The time is over: aborts the migration, or forces it to complete: the guest already runs at the destination, or is paused. is_on: whether its job
-- has begun.
local function out_of_time(run, is_on)
  if run.aborted and core.now() - run.aborted >= PATIENCE then
    steps.fail("timeout", run.guest, {
      message = ("the migration was aborted after %g s, and libvirt's call does not end"):format(run.limit),
      hint = "does the other host's libvirtd answer?",
    })
  elseif run.action ~= "force_complete" or not is_on and not run.forced then
    run.aborted = run.aborted or insist(run, run.guest.abort_job) and core.now() or nil
  elseif not run.forced then
    if run.way.postcopy then
      run.data.postcopy = true
      run:record("migrate")
      run.forced = insist(run, run.guest.migrate_start_postcopy) and "postcopy" or nil
    else
      run.data.paused = true
      run:record("migrate")
      run.forced = insist(run, run.guest.pause) and "pause" or nil
    end
  end
end

-- Reads libvirt's events; over: the last ones may still be on their way.
function way.hear(run, over)
  state.hear(run.events, function(event)
    if event.event == "job_completed" then
      run.stats = event.params
    elseif event.event == "migration_iteration" then
      run.iterations = event.iteration
    end
  end, function()
    return not over or run.stats
  end)
end

-- The values that depend on the size: the time limit, 0 for none, and the steps of the downtime.
local function set_limits(run, disk_bytes)
  local options, gb = run.options, plan.data_gb(run.way.memory_bytes, disk_bytes, #run.way.disks)
  run.downtime_steps = plan.downtime_steps(gb, options.downtime, options.downtime_steps, options.downtime_delay)
  run.limit = options.completion_timeout or options.timeout or math.floor(COMPLETION * gb)
end

-- By its beginning a recovery knows the run's migration from one that somebody else began later. Until it is seen, that is when it was asked for.
local function note_job(run, info)
  if not run.seen then
    run.seen, run.data.began = true, settle.began(info)
    run:record("migrate")
  end
end

local function look(run)
  local options = run.options
  local info = run.guest:get_job_info()
  local elapsed = core.now() - run.started
  way.hear(run)
  local is_on = state.is_job(info) -- otherwise it is about to begin, or to end, or waits for the other host
  set_limits(run, is_on and info.disk_total or 0)
  if run.limit > 0 and elapsed > run.limit then
    out_of_time(run, is_on)
  end
  if not is_on then
    return
  end
  note_job(run, info)
  set_downtime(run, elapsed)
  if options.on_progress then
    info.elapsed, info.limit, info.forced = elapsed, run.limit > 0 and run.limit or nil, run.forced
    info.percent = info.memory_total > 0 and 100 - info.memory_remaining * 100 // info.memory_total or 0
    options.on_progress(info)
  end
end

-- A dry run's text for the wait.
function way.waits_for(run)
  set_limits(run, 0)
  return ("the guest to be on the other host, its downtime growing to %d ms, %s, then %s"):format(
    run.downtime_steps[#run.downtime_steps].ms, run.limit > 0 and ("%g s at most"):format(run.limit) or "without a limit",
    run.action == "abort" and "aborted" or run.way.postcopy and "post-copy" or "it stands still until it is over")
end

-- Waits until libvirt's call is over: returns whether it succeeded, and its error.
function way.watch(run)
  while true do
    local ok, e = pcall(run.task.wait, run.task, { timeout = POLL })
    if ok then
      return true
    elseif run.task:status() ~= "running" then
      return false, e
    elseif not is(e, "timeout") then
      error(e, 0)
    end
    look(run)
  end
end

return way
