-- Live migration: moved to another host, watched all the while, and looked at on both hosts in the end. On every way out the guest is on exactly one
-- of them, or the error says that this is not known: "job_unknown".

local core = require("guestlua.core")
local define = require("guestlua.define")
local frame = require("guestlua.workflow.frame")
local journal = require("guestlua.journal")
local state = require("guestlua.workflow.state")
local task = require("guestlua.task")
local undo = require("guestlua.undo")
local workflow = require("guestlua.workflow")

local NAME = "live_migrate"

-- The reference's: seconds between two looks; seconds a GiB that the migration may take; the longest downtime in ms, its steps, and seconds a GiB
-- from one to the next.
local POLL, COMPLETION, DOWNTIME, STEPS, DELAY = 0.5, 800, 500, 10, 75

local UNDER_WAY = { [1] = true, [2] = true } -- of get_job_info().type: BOUNDED, UNBOUNDED

local TWO_COPIES = "look at both hosts before you start or resume it on either: two running copies of a guest destroy its disks; the journal knows: "
  .. "guestlua.recover(host), once both hosts answer"

local migrate = {
  settle_for = 60, -- seconds until both hosts have to agree about where the guest is, and until a call has to be taken that may be refused at first
}

local is = core.Error.is

-- ---- numbers ----

-- What the limits are counted by, in GiB: the memory and each disk count as 2 at least.
function migrate.data_gb(memory_bytes, disk_bytes, disks)
  local gb = math.max(2, memory_bytes / 2^30)
  return disks > 0 and gb + math.max(2 * disks, disk_bytes / 2^30) or gb
end

-- The longest downtime grows in steps: a list of { after (seconds), ms }.
function migrate.downtime_steps(gb, longest, steps, delay)
  longest, steps, delay = longest or DOWNTIME, steps or STEPS, math.floor((delay or DELAY) * gb)
  local first, list = longest / steps, {}
  for i = 0, steps do
    list[#list + 1] = { after = delay * i, ms = math.floor(first + (longest - first) / steps * i) }
  end
  return list
end

-- The step that it is time for; nil: none yet.
function migrate.downtime_at(steps, elapsed)
  local ms
  for _, step in ipairs(steps) do
    ms = elapsed > step.after and step.ms or ms
  end
  return ms
end

-- ---- flags ----

local BITS = {
  live = 1, peer2peer = 2, tunnelled = 4, persist_dest = 8, undefine_source = 16, non_shared_inc = 128, unsafe = 512, auto_converge = 8192,
  postcopy = 32768, tls = 65536, parallel = 131072,
}

-- Flags as guest:migrate takes them, an integer or a list of names.
local function has(flags, name)
  if math.type(flags) == "integer" then
    return flags & BITS[name] ~= 0
  end
  for _, flag in ipairs(flags) do
    if flag == name then
      return true
    end
  end
  return false
end

local function with(flags, name)
  if has(flags, name) then
    return flags
  elseif math.type(flags) == "integer" then
    return flags | BITS[name]
  end
  return table.move(flags, 1, #flags, 2, { name })
end

local SWITCHES = { "tunnelled", "tls", "postcopy", "auto_converge", "unsafe" }

local function flags_of(options, persistent)
  local flags = options.flags or (persistent and { "live", "peer2peer", "persist_dest", "undefine_source" } or { "live", "peer2peer" })
  if type(flags) ~= "table" and math.type(flags) ~= "integer" then
    define.bad(NAME, "flags", "an integer or a list of names expected, got " .. type(flags))
  end
  for _, name in ipairs(SWITCHES) do
    flags = options[name] and with(flags, name) or flags
  end
  flags = options.parallel and options.parallel > 1 and with(flags, "parallel") or flags
  return (options.block or options.migrate_disks and #options.migrate_disks > 0) and with(flags, "non_shared_inc") or flags
end

-- ---- what is to be done ----

-- The targets of the disks that the destination cannot have already.
local function disks_to_copy(guest)
  local targets = {}
  for _, disk in ipairs(guest:get_all_devices("disk", { from_persistent_config = false })) do
    local writable = not disk.readonly and not disk.shareable and (disk.device == "disk" or disk.device == "lun" or not disk.device)
    if writable and (disk.type == "file" or disk.type == "block") and disk.source then
      targets[#targets + 1] = disk.target.dev
    end
  end
  return targets
end

-- libvirt's at the source speaks to the other one: how it finds it there.
local function uri_of(destination, options)
  if options.destination_uri then
    return options.destination_uri
  elseif not destination.uri:find("^[%w+.-]+://[^/?]") then
    define.bad(NAME, "destination_uri", ("the destination was opened as %s, which means another machine on the source host: say how libvirt there "
      .. "reaches it, as in \"qemu+tcp://other/system\""):format(destination.uri))
  end
  return destination.uri
end

local function configuration(guest, options)
  local xml = options.destination_xml
  if type(xml) ~= "function" then
    return xml
  end
  local domain = core.element(guest:get_xml_desc({ dump_migratable = true, dump_sensitive = true }))
  return xml(domain) or domain
end

local function refuse(guest, message, hint)
  frame.fail("operation_invalid", guest, { message = message, hint = hint })
end

local function plan(guest, destination, uri, options)
  local here = state.of(guest.host, guest.uuid)
  local there = state.of(destination, guest.uuid)
  if not here.active then
    refuse(guest, "the guest does not run", "guestlua.workflow.ensure_running(guest) starts it")
  elseif there.active then
    refuse(guest, ("the guest runs on %s already"):format(destination.uri), "is that the host that it is on, or does another copy of it run there?")
  elseif UNDER_WAY[guest:get_job_info().type] then
    refuse(guest, "the guest has a job already", "guest:get_job_info() tells how far it is, guest:abort_job() ends it")
  end
  local flags = flags_of(options, here.persistent)
  local disks
  if has(flags, "non_shared_inc") then
    disks = options.migrate_disks and #options.migrate_disks > 0 and options.migrate_disks or disks_to_copy(guest)
    if has(flags, "tunnelled") then
      frame.fail("argument_unsupported", guest, {
        message = "libvirt copies no listed disks through a tunnel",
        hint = "tls=true encrypts the data as well",
      })
    elseif #disks == 0 then
      frame.fail("device_not_found", guest, { message = "the guest has no disk that could be copied" })
    end
  end
  local memory = core.element(guest:get_xml_desc()).memory
  return {
    uri = uri,
    was = here.word == "paused" and "paused" or "running",
    persistent = here.persistent,
    flags = flags,
    postcopy = has(flags, "postcopy") and here.word ~= "paused",
    undefines = has(flags, "undefine_source"),
    persists = has(flags, "persist_dest"),
    disks = disks or {},
    memory_bytes = math.tointeger(tonumber(memory[1])) * 1024,
    call = {
      flags = flags,
      migrate_uri = options.migrate_uri,
      migrate_disks = disks,
      destination_xml = configuration(guest, options),
      bandwidth = options.bandwidth,
      parallel = options.parallel,
    },
  }
end

-- ---- where it is ----

-- Which of the two hosts has the guest: "there", "here", "nowhere"; nil where that is not told yet. was: whether it was "running" or "paused".
local function verdict(here, there, was)
  if here.under_way then
    return nil
  elseif here.active and not there.active then
    return "here"
  elseif not here.active and not there.active then
    return "nowhere"
  elseif not here.active and (was == "paused" or there.word ~= "paused") then
    return "there"
  end
end

-- What the guest is at the source, and whether it has a job there, which is aborted.
local function at_source(source, uuid, deadline)
  local here = state.of(source, uuid, deadline)
  local guest <close> = here.active and source:guest(uuid) or nil
  if guest then
    here.under_way = UNDER_WAY[guest:get_job_info().type]
    if here.under_way then
      pcall(guest.abort_job, guest) -- refused in post-copy: it has to end
    end
  end
  return here
end

local function answer(fn, ...)
  local ok, now = state.try(fn, ...)
  return ok and now or nil
end

-- Asks both hosts until they agree; what is under way is aborted. Gives the verdict, "unknown" where there is none, and what was last known of both,
-- nil of one that does not answer. destination: nil where it cannot be reached.
local function settle(source, destination, uuid, was)
  local deadline = core.now() + (destination and migrate.settle_for or migrate.settle_for / 10)
  while true do
    local here = answer(at_source, source, uuid, deadline)
    local there = destination and answer(state.of, destination, uuid, deadline)
    local word = here and there and verdict(here, there, was)
    if not word and here and not there and not here.under_way and state.runs(here) then
      word = "here" -- the destination need not answer: it runs here only where the migration is off
    end
    if word or core.now() >= deadline then
      return word or "unknown", here, there
    end
    core.sleep(0.2)
  end
end

local function text(now)
  return now and ("'%s'"):format(now.word) or "not known, as it does not answer"
end

local function unknown(guest, source, destination, here, there, cause)
  frame.fail("job_unknown", guest, {
    message = ("it is not known where the guest runs: on %s it is %s, on %s %s%s"):format(source, text(here), destination, text(there),
      cause and "; " .. tostring(cause.message or cause) or ""),
    hint = TWO_COPIES,
    cause = cause,
  })
end

-- The guest is here, and not there: it goes on as it did before.
local function go_on(guest, was)
  frame.insist(guest, function()
    if was == "running" and state.of(guest.host, guest.uuid).word == "paused" then
      guest:resume()
    end
  end)
end

journal.recoverers[NAME] = function(host, guest, entry)
  local ok, destination = pcall(core.open, entry.destination, { keepalive = 5 })
  local guard <close> = ok and destination or nil
  local word, here, there = settle(host, ok and destination or nil, entry.uuid, entry.was)
  if word == "here" then
    go_on(guest, entry.was)
    return "undone: the guest is on the source host, as before"
  elseif word == "there" then
    return "finished: the guest is on " .. entry.destination
  elseif word == "nowhere" then
    return "the guest is off on both hosts"
  end
  unknown(guest or { name = entry.guest }, host.uri, entry.destination, here, there, not ok and destination or nil)
end

-- ---- on the way ----

-- What was said on the way and is no error.
local function note(this, e)
  this.warnings[#this.warnings + 1] = tostring(e)
end

local function set_downtime(this, elapsed)
  local ms = migrate.downtime_at(this.steps, elapsed)
  if ms and ms ~= this.downtime then
    this.downtime = ms
    local ok, e = state.try(this.guest.migrate_configure_max_downtime, this.guest, ms)
    this.downtimes[#this.downtimes + 1] = { after = elapsed, ms = ms, set = ok }
    if not ok then
      note(this, e)
    end
  end
end

-- A call that may be refused for now, as where the job is about to begin: tried again at the next look, for a while.
local function insist(this, call)
  local ok, e = state.try(call, this.guest)
  this.refused_since = not ok and (this.refused_since or core.now()) or nil
  if not ok and this.task:status() == "running" and core.now() - this.refused_since >= migrate.settle_for then
    error(e, 0)
  end
  return ok
end

-- The time is over: aborted, or made to end: the guest runs on there already, or stands still.
local function out_of_time(this)
  if this.action ~= "force_complete" then
    this.aborted = insist(this, this.guest.abort_job) or this.aborted
  elseif not this.forced then
    if this.plan.postcopy then
      this.run:record({ postcopy = true })
      this.forced = insist(this, this.guest.migrate_start_postcopy) and "postcopy" or nil
    else
      this.run:record({ paused = true })
      this.forced = insist(this, this.guest.pause) and "pause" or nil
    end
  end
end

-- What libvirt told by itself; over: the last of it may be on its way.
local function hear(this, over)
  state.hear(this.events, function(event)
    if event.event == "job_completed" then
      this.stats = event.params
    elseif event.event == "migration_iteration" then
      this.iterations = event.iteration
    end
  end, function()
    return not over or this.stats
  end)
end

local function look(this)
  local options = this.options
  local info = this.guest:get_job_info()
  local elapsed = core.now() - this.began
  hear(this)
  if not UNDER_WAY[info.type] then
    return -- it is about to begin, or to end: the task knows
  end
  local gb = migrate.data_gb(this.plan.memory_bytes, info.disk_total, #this.plan.disks)
  this.steps = migrate.downtime_steps(gb, options.downtime, options.downtime_steps, options.downtime_delay)
  this.limit = options.completion_timeout or math.floor(COMPLETION * gb)
  if this.limit > 0 and elapsed > this.limit then
    out_of_time(this)
  end
  set_downtime(this, elapsed)
  if options.on_progress then
    info.elapsed, info.limit, info.forced = elapsed, this.limit > 0 and this.limit or nil, this.forced
    info.percent = info.memory_total > 0 and 100 - info.memory_remaining * 100 // info.memory_total or 0
    options.on_progress(info)
  end
end

-- Until libvirt's call is over: whether it succeeded, and its error.
local function watch(this)
  while true do
    local ok, e = pcall(this.task.wait, this.task, { timeout = POLL })
    if ok then
      return true
    elseif this.task:status() ~= "running" then
      return false, e
    elseif not is(e, "timeout") then
      error(e, 0)
    end
    look(this)
  end
end

-- Ends what is under way and waits for that; the guest goes on here if it is here. Gives how things are.
local function stop(this)
  local guest, deadline = this.guest, core.now() + migrate.settle_for
  if this.task then
    repeat
      if this.task:status() == "running" then
        pcall(guest.abort_job, guest, { timeout = POLL })
      end
      pcall(this.task.wait, this.task, { timeout = POLL }) -- its error has been heard then
    until this.task:status() ~= "running" or core.now() >= deadline
  end
  local word, here, there = settle(guest.host, this.destination, guest.uuid, this.plan.was)
  if word == "here" then
    go_on(guest, this.plan.was)
  end
  return word, here, there
end

local OUTCOMES = {
  here = "undone: the guest is on the source host, as before",
  there = "finished: the guest is on the destination; it was too late to stop it",
  nowhere = "the guest is off on both hosts",
}

-- A move that libvirt calls done is one when both hosts say so; so is one that failed, or whose answer was lost: failure is then what was said.
local function verify(this, failure)
  local guest, target = this.guest, this.destination.uri
  local word, here, there = stop(this)
  if word == "unknown" then
    unknown(guest, guest.host.uri, target, here, there, failure)
  elseif word ~= "there" then
    error(failure or core.Error.new({
      kind = "operation_failed",
      guest = guest.name,
      message = word == "nowhere" and "the guest has stopped: it is on neither host" or "libvirt says that the guest was moved, and it is here",
    }), 0)
  elseif this.plan.undefines and here.known then
    frame.fail("operation_failed", guest, { message = ("the guest is on %s, and still defined on the source host"):format(target) })
  elseif this.plan.persists and not there.persistent then
    frame.fail("operation_failed", guest, { message = ("the guest is on %s, and not defined there"):format(target) })
  end
end

-- Why it failed: that the time was over, where that is why.
local function explained(this, failure)
  if this.aborted then
    return core.Error.new({
      kind = "timeout",
      guest = this.guest.name,
      message = ("the migration was not over within %g s, and was aborted"):format(this.limit),
      hint = "more time, completion_timeout=…; a longer standstill at the end, downtime=…; or timeout_action=\"force_complete\"",
      cause = failure,
    })
  end
  return failure
end

local function at_least_one(name, value)
  if value and value < 1 then
    define.bad(NAME, name, "from 1 up")
  end
end

define(workflow, "workflow", {
  name = NAME,
  help = "Moves a running guest to another host and looks at both in the end. It is watched on the way: it may stand still ever longer at its end, "
    .. "and where it takes too long it is aborted, or made to end. Where a step fails or the script is told to stop, it is aborted and the "
    .. "guest goes on where it was. An error of kind \"job_unknown\" says that it is not known where the guest runs.",
  returns = "a table: workflow, guest, steps, seconds, destination, arrived (the Guest there), forced (\"postcopy\", \"pause\" or nil), downtimes (a "
    .. "list of {after, ms, set}), iterations, stats (what libvirt counted) and warnings",
  params = {
    { name = "guest", type = "userdata", positional = true, required = true, help = "the Guest; it must run" },
    { name = "destination", type = "userdata", positional = true, required = true, help = "the Host that it goes to" },
    { name = "destination_uri", type = "string", help = "how the source host's libvirt reaches the destination's, as in \"qemu+tcp://other/system\"; "
      .. "nil: the URI that the destination was opened with" },
    { name = "migrate_uri", type = "string", help = "where the data goes, as in \"tcp://192.0.2.1\"; nil: libvirt chooses" },
    { name = "destination_xml", type = "any", help = "its configuration there: an Element, XML text, or a function that gets the present one as an "
      .. "Element, and changes it or returns another" },
    { name = "flags", type = "any", help = "as guest:migrate has them; nil: live, peer2peer, and for a guest that is persistent persist_dest and "
      .. "undefine_source" },
    { name = "block", type = "boolean", help = "copy the disks: those of migrate_disks, and where none are listed all that are files or block "
      .. "devices, neither readonly nor shareable" },
    { name = "migrate_disks", type = "table", help = "the targets of the disks to copy" },
    { name = "tunnelled", type = "boolean", help = "send all data through libvirt's own connection" },
    { name = "tls", type = "boolean", help = "send it encrypted by QEMU" },
    { name = "postcopy", type = "boolean", help = "force_complete may let the guest run there before all its memory is; it is not aborted then" },
    { name = "auto_converge", type = "boolean", help = "slow the guest down where it writes faster than the memory goes over" },
    { name = "unsafe", type = "boolean", help = "also where libvirt cannot tell that the disks are shared" },
    { name = "parallel", type = "integer", help = "how many connections" },
    { name = "bandwidth", type = "integer", help = "MiB/s at most; nil or 0: no limit" },
    { name = "completion_timeout", type = "number", help = "seconds it may take; nil: 800 for each GiB of memory and disks, at least 1600; "
      .. "0: no limit" },
    { name = "timeout_action", type = "string", help = "what happens then: \"abort\", as where nothing is said, or \"force_complete\": post-copy "
      .. "with postcopy=true, otherwise the guest stands still until it is over" },
    { name = "downtime", type = "integer", help = "ms that the guest may stand still at the end, in the last step; 500 where nothing is said" },
    { name = "downtime_steps", type = "integer", help = "in how many steps it grows until then; 10 where nothing is said" },
    { name = "downtime_delay", type = "number", help = "seconds from one step to the next, for each GiB; 75 where nothing is said" },
    { name = "on_progress", type = "function", help = "called with get_job_info() every half second, which then has elapsed, percent, limit and "
      .. "forced as well; an error in it aborts the migration" },
  },
  run = function(guest, destination, options)
    core.check_self(guest, "Guest", NAME)
    if not pcall(core.check_self, destination, "Host", NAME) then
      define.bad(NAME, "destination", "a Host expected: guestlua.open makes one")
    end
    local action = options.timeout_action or "abort"
    if action ~= "abort" and action ~= "force_complete" then
      define.bad(NAME, "timeout_action", "no such choice '" .. action .. "'; there are: abort, force_complete")
    end
    at_least_one("downtime", options.downtime)
    at_least_one("downtime_steps", options.downtime_steps)
    local uri = uri_of(destination, options)
    return frame.run(NAME, guest, function(run)
      local this = {
        run = run, guest = guest, destination = destination, options = options, action = action, downtimes = {}, warnings = {},
      }
      this.plan = run:step("look", plan, guest, destination, uri, options)
      run:record({ step = "migrate", destination = destination.uri, was = this.plan.was })
      local group <close> = task.group()
      local guard <close> = undo.guard(function(failure)
        if not failure then
          return
        end
        run:left("it is not known where the guest runs: " .. TWO_COPIES)
        local word = not is(failure, "job_unknown") and stop(this) or "unknown"
        if word ~= "unknown" then
          run:left(OUTCOMES[word])
          run:forget()
        end
      end)
      local failure
      run:step("migrate", function()
        local events <close> = guest:subscribe({ "job_completed", "migration_iteration" })
        this.events, this.began = events, core.now()
        this.task = group:spawn(guest.migrate, guest, this.plan.uri, this.plan.call)
        local ok, e = watch(this)
        if not ok then
          failure = explained(this, e)
          verify(this, failure)
        end
        hear(this, true)
      end)
      if core.dry_run() then
        guard:keep()
        return {}
      end
      run:step("verify", verify, this, failure)
      guard:keep()
      return {
        destination = destination.uri,
        arrived = destination:guest(guest.uuid),
        forced = this.forced,
        downtimes = this.downtimes,
        iterations = this.iterations,
        stats = this.stats,
        warnings = this.warnings,
      }
    end)
  end,
})

return migrate
