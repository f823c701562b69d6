-- Live migration: moves a guest to another host, watches the move, and checks both hosts in the end. However it ends, the guest is on exactly one of
-- them, or the error says that this is not known: "job_unknown".

local calls = require("guestlua.log.calls")
local chain = require("guestlua.workflow.chain")
local claim = require("guestlua.workflow.claim")
local core = require("guestlua.core")
local define = require("guestlua.base.define")
local migration = require("guestlua.workflow.migrate.plan")
local retry = require("guestlua.workflow.retry")
local settle = require("guestlua.workflow.migrate.settle")
local steps = require("guestlua.workflow.steps")
local way = require("guestlua.workflow.migrate.way")

local NAME = "live_migrate"

-- Seconds for libvirt's own call to end after it was asked to.
local ENDING = 10

local is = core.Error.is

local function arguments(run, destination)
  local options = run.options
  if not pcall(core.check_self, destination, "Host", NAME) then
    define.bad(NAME, "destination", "a Host expected: guestlua.open makes one")
  end
  local action = migration.action_of(NAME, options)
  run.action, run.destination = action, destination
  run.uri = migration.uri_of(destination, options.destination_uri, NAME, "destination_uri")
  run.downtimes, run.warnings = {}, {}
end

local function plan(run)
  run.way = migration.make(run.guest, run.destination, run.uri, run.options)
  run:watch({})
  return { destination = run.destination.uri, was = run.way.was }
end

-- A function that says whether a migration is the run's: the run's call is under way, or may be, or it began when the run's did.
local function is_own(run)
  return function(info)
    local task = run.task
    local ok, e
    if task and task:status() ~= "running" then
      ok, e = pcall(task.wait, task)
    end
    return task and (task:status() == "running" or not ok and is(e) and e.may_change) or settle.is_same(info, run.data.began)
  end
end

-- Ends the migration and waits for that; the guest runs on here if it is here. Returns the state of things.
local function stop(run)
  local guest, began = run.guest, core.now()
  if run.task then
    repeat
      if run.task:status() == "running" then
        pcall(guest.abort_job, guest, { timeout = way.POLL })
      end
      pcall(run.task.wait, run.task, { timeout = way.POLL }) -- its error is already known
    until run.task:status() ~= "running" or core.now() >= began + ENDING
  end
  local word, here, there = settle.agree(guest.host, run.destination, guest.uuid, run.way.was, is_own(run), began)
  if word == "here" then
    settle.go_on(guest, run.way.was)
  end
  return word, here, there
end

-- Why it failed: the time limit, if that was the cause.
local function explained(run, failure)
  if run.aborted then
    return core.Error.new({
      kind = "timeout",
      guest = run.guest.name,
      message = ("the migration was not over within %g s, and was aborted"):format(run.limit),
      hint = "more time, completion_timeout=…; a longer standstill at the end, downtime=…; or timeout_action=\"force_complete\"",
      cause = failure,
    })
  end
  return failure
end

local function is_defined_there(run)
  return retry.insist({ host = run.destination }, nil, function()
    local there <close> = run.destination:guest(run.guest.uuid)
    return there and there:has_persistent_configuration()
  end)
end

-- A move is done only when both hosts say so, whether libvirt reports success, a failure or nothing. failure: its error, if there was one.
local function verify(run, failure)
  local target = run.destination.uri
  local word, here, there = stop(run)
  if word == "unknown" then
    settle.unknown(run.guest, run.guest.host.uri, target, here, there, failure)
  elseif word ~= "there" then
    error(failure or core.Error.new({
      kind = "operation_failed",
      guest = run.guest.name,
      message = word == "nowhere" and "the guest has stopped: it is on neither host" or "libvirt says that the guest was moved, and it is here",
    }), 0)
  elseif run.way.undefines and here.known then
    run:fail("operation_failed", { message = ("the guest is on %s, and still defined on the source host"):format(target) })
  elseif run.way.persists and not is_defined_there(run) then
    run:fail("operation_failed", { message = ("the guest is on %s, and not defined there"):format(target) })
  end
end

local function migrate(run)
  local guest = run.guest
  local events <close> = guest:subscribe({ "job_completed", "migration_iteration" })
  run.events, run.started = events, core.now()
  run.expected = nil -- from here on it is where it is
  run.data.began = run.started
  run:record("migrate")
  run.task = run.group:spawn(guest.migrate, guest, run.way.uri, run.way.call)
  local ok, e = way.watch(run)
  if not ok then
    run.refusal = explained(run, e)
    verify(run, run.refusal)
  end
  if core.dry_run() then
    return calls.waits(guest, way.waits_for(run))
  end
  way.hear(run, true)
end

local OUTCOMES = {
  here = "undone: the guest is on the source host, as before",
  there = "finished: the guest is on the destination; it was too late to stop it",
  nowhere = "the guest is off on both hosts",
}

local function take_back(run)
  if is(run.failure, "job_unknown") then
    error(run.failure, 0)
  end
  local word, here, there = stop(run)
  if word == "unknown" then
    settle.unknown(run.guest, run.guest.host.uri, run.destination.uri, here, there, run.failure)
  elseif word == "there" then
    run.arrived = run.destination:guest(run.guest.uuid)
  end
  return OUTCOMES[word]
end

-- Recovers a killed run, even if the source host does not know the guest any more.
local function recover(run, host, guest)
  local data = run.data
  local ok, destination = retry.try(core.open, data.destination, { keepalive = 5 })
  local opened <close> = ok and destination or nil
  local word, here, there = settle.agree(host, opened, run.uuid, data.was, is_own(run))
  if word == "unknown" then
    settle.unknown({ name = run.guest_name }, host.uri, data.destination, here, there, not ok and destination or nil)
  elseif word == "here" then
    settle.go_on(guest, data.was)
  elseif word == "there" then
    local arrived <close> = opened:guest(run.uuid)
    claim.clear_mark(arrived, run.id)
    return "finished: the guest is on " .. data.destination
  end
  return OUTCOMES[word]
end

steps.define({
  name = NAME,
  help = "Moves a running guest to another host and checks both in the end. The migration is watched: its allowed downtime grows step by step, "
    .. "and if it takes too long it is aborted, or forced to complete. If a step fails or the script is asked to stop, it is aborted and the "
    .. "guest runs on where it was. An error of kind \"job_unknown\" says that it is not known where the guest runs.",
  fields = {
    { name = "destination", type = "string", help = "the URI of the host that it is now on" },
    { name = "arrived", type = "Guest", help = "the Guest there" },
    { name = "forced", type = "\"postcopy\"|\"pause\"|nil", help = "how it was forced to complete, if it was" },
    { name = "downtimes", type = "table[]", help = "the maximum downtimes asked for: after (seconds), ms, set (whether libvirt accepted it)" },
    { name = "iterations", type = "integer?", help = "the number of passes over the memory, if libvirt reported it" },
    { name = "stats", type = "table?", help = "what libvirt counted" },
    { name = "warnings", type = "string[]", help = "problems that did not stop it" },
    { name = "left_out", type = "table[]?", help = "disks that were not copied with the others: target, why" },
    chain.PLAIN_FIELD,
  },
  params = {
    { name = "guest", type = "Guest", positional = true, required = true, help = "the Guest; it must run" },
    { name = "destination", type = "Host", positional = true, required = true, help = "the Host to move it to" },
    { name = "timeout", type = "number", help = "the same as completion_timeout" },
    { name = "destination_uri", type = "string", help = "how the source host's libvirt reaches the destination's, as in \"qemu+tcp://other/system\"; "
      .. "nil: the URI that the destination was opened with" },
    { name = "migrate_uri", type = "string", help = "the address for the data, for example \"tcp://192.0.2.1\"; nil: libvirt chooses" },
    { name = "destination_xml", type = "any", help = "its configuration there: an Element, XML text, or a function that gets the present one as an "
      .. "Element and changes it or returns another" },
    { name = "flags", type = "any", help = "as for guest:migrate; nil: live, peer2peer, and for a persistent guest persist_dest and "
      .. "undefine_source" },
    { name = "block", type = "boolean", help = "copy the disks in migrate_disks; if none are listed, all files and block "
      .. "devices that are neither readonly nor shareable. Refused if another guest of the destination has an image of that name" },
    { name = "migrate_disks", type = "list of strings", help = "the targets of the disks to copy" },
    { name = "tunnelled", type = "boolean", help = "send all data through libvirt's own connection" },
    { name = "tls", type = "boolean", help = "let QEMU encrypt the data" },
    { name = "plain", type = "boolean", help = "copy encrypted disks without tls, so that anybody on the way can read them; default: that is "
      .. "refused" },
    { name = "postcopy", type = "boolean", help = "force_complete may run the guest there before all its memory arrived; it is not aborted then" },
    { name = "auto_converge", type = "boolean", help = "slow the guest down if it writes faster than its memory is copied" },
    { name = "unsafe", type = "boolean", help = "migrate even if libvirt cannot tell that the disks are shared" },
    { name = "parallel", type = "integer", help = "how many connections" },
    { name = "bandwidth", type = "integer", most = chain.MOST_BANDWIDTH, help = "MiB/s at most; nil or 0: no limit" },
    { name = "completion_timeout", type = "number", help = "seconds it may take; nil: 800 for each GiB of memory and disks, at least 1600; "
      .. "0: no limit" },
    { name = "timeout_action", type = "string", help = "what happens then: \"abort\" (default), or \"force_complete\": post-copy "
      .. "with postcopy=true, otherwise the guest stands still until it is over" },
    { name = "downtime", type = "integer", least = 1, most = migration.MOST_DOWNTIME,
      help = "the maximum downtime in the last step, in ms; default 500" },
    { name = "downtime_steps", type = "integer", least = 1, most = migration.MOST_STEPS, help = "the number of steps in which it grows; default 10" },
    { name = "downtime_delay", type = "number", help = "seconds from one step to the next, for each GiB; default 75" },
    { name = "on_progress", type = "function", help = "called every half second with get_job_info(), which also has elapsed, percent, limit and "
      .. "forced; an error in it aborts the migration" },
  },
  own_timeout = true,
  own_turn = true,
  arguments = arguments,
  plan = plan,
  unknown = "it is not known where the guest runs: " .. settle.TWO_COPIES,
  recover = recover,
  { "migrate", run = migrate, undo = take_back, moves = true },
  { "verify", run = function(run) verify(run, run.refusal) end, checks = true, moves = true },
  result = function(run)
    if core.dry_run() then
      return {}
    end
    run.arrived = run.destination:guest(run.guest.uuid)
    return {
      destination = run.destination.uri,
      arrived = run.arrived,
      forced = run.forced,
      downtimes = run.downtimes,
      iterations = run.iterations,
      stats = run.stats,
      warnings = run.warnings,
      left_out = run.way.left_out,
      plain = run.way.plain,
    }
  end,
})
