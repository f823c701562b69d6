-- The state of a guest at this moment, for the workflows: asked of libvirt each time, by its UUID. If the connection is lost nothing is known.

local core = require("guestlua.core")
local retry = require("guestlua.workflow.retry")

local state = {}

-- Seconds: the limit of one question, and what it has in any case, the interval between questions while no event comes, how long a lost connection is
-- tried again, and how late an event may be. TRIES: how often a question is asked if its answer is an error.
local ANSWER, LEAST, POLL, RETRY_FOR, PAUSE, EVENT_FOR, TRIES = 10, 1, 2, 20, 0.5, 1, 3

local is = core.Error.is

local GONE = { known = false, active = false, id = -1, word = "gone" }

-- A lookup also reports "no domain" if the search by UUID failed and no guest has the UUID as its name: the list decides. "Gone" counts as off, and a
-- guest must not count as off only because it could not be found.
local function check_gone(host, uuid)
  for _, guest in ipairs(host:guests({ timeout = ANSWER })) do
    if guest.uuid == uuid then
      error(core.Error.new({ kind = "operation_failed", guest = guest.name, message = "the guest is there, and libvirt did not find it" }), 0)
    end
  end
end

-- One question. { known, active, id, word }: whether the host knows the guest; whether it runs, paused or not; its number, -1 if it does not run; and
-- libvirt's word for its state, "gone" if the host does not know it. The number comes with the lookup: a guest that has one runs.
function state.ask(host, uuid)
  local guest <close> = host:guest(uuid, { timeout = ANSWER })
  if not guest then
    check_gone(host, uuid)
    return GONE
  end
  local ok, e = pcall(function()
    local info = guest:get_info({ timeout = ANSWER })
    local active = info.domain_state ~= "shutoff" and guest.id ~= -1
    return { known = true, active = active, id = active and guest.id or -1, word = active and info.domain_state or "shutoff" }
  end)
  if is(e, "no_domain") then
    return GONE
  elseif not ok then
    error(e, 0)
  end
  return e
end

-- The same until there is an answer: a lost connection is opened again until the deadline, or for a while without one, as long as the caller has
-- time; over a working connection there are three tries.
function state.of(host, uuid, deadline)
  deadline = math.min(deadline or math.huge, core.now() + RETRY_FOR, core.calls_end() or math.huge)
  local failed = 0
  while true do
    local ends = math.max(deadline, core.now() + LEAST)
    local ok, e = retry.try(core.within, ends, 0, state.ask, host, uuid)
    if ok then
      return e
    end
    local known, alive = retry.try(core.within, ends, ANSWER, host.is_alive, host)
    if known and alive then
      failed = failed + 1
    else
      retry.try(core.within, ends, ANSWER, host.reconnect, host)
    end
    if failed >= TRIES or is(e, "closed") or core.now() >= deadline then
      error(e, 0)
    end
    core.sleep(PAUSE)
  end
end

-- Waits until wanted(now) is true, and returns the guest's state; or nil and the state if the time is over. events: a subscription that
-- wakes it; on_event, which may be nil, gets each of its events.
function state.await(guest, events, deadline, wanted, on_event)
  local host, uuid = guest.host, guest.uuid
  while true do
    local now = state.of(host, uuid)
    local left = deadline - core.now()
    if wanted(now) then
      return now
    elseif left <= 0 then
      return nil, now
    end
    local event = events:next(math.min(left, POLL))
    if event and on_event then
      on_event(event)
    end
  end
end

-- Passes the events that have come to on_event, and those that still come until is_enough().
function state.hear(events, on_event, is_enough)
  local deadline = core.now() + EVENT_FOR
  repeat
    local event = events:next(is_enough() and 0 or math.max(deadline - core.now(), 0))
    if event then
      on_event(event)
    end
  until not event
end

function state.look(guest)
  return state.of(guest.host, guest.uuid)
end

-- How a run that failed left its guest.
function state.left(run)
  return ("the guest is '%s'"):format(state.ask(run.guest.host, run.guest.uuid).word)
end

local UNDER_WAY = { [1] = true, [2] = true } -- of get_job_info().type: BOUNDED, UNBOUNDED

-- Whether a get_job_info() is that of a job under way.
function state.is_job(info)
  return UNDER_WAY[info.type] or false
end

-- Whether the guest itself has a job, such as a migration or a save, its purpose, and its numbers. A driver without jobs has none; on the destination
-- of a migration libvirt answers that it has no numbers.
function state.has_job(guest)
  local ok, info = pcall(guest.get_job_info, guest)
  if core.Error.is(info, "operation_unsupported") then
    return true, "migration_in"
  elseif not ok and not core.Error.is(info, "no_support") then
    error(info, 0)
  end
  local has = ok and state.is_job(info)
  return has, has and info.operation or nil, has and info or nil
end

-- The same, for jobs during which libvirt changes nothing else in the guest: all except a backup.
function state.is_held(guest)
  local has, operation = state.has_job(guest)
  return has and operation ~= "backup"
end

local STARTS = "guestlua.workflow.ensure_running(guest) starts it"
local WAKES = "guestlua.workflow.ensure_running(guest) wakes it"

-- Why a guest cannot be worked on, by libvirt's word or one of guestlua's.
local HINDERS = {
  shutoff = { "operation_invalid", "the guest does not run", STARTS },
  gone = { "no_domain", "the host does not know the guest (any more)" },
  crashed = { "operation_invalid", "the guest has crashed", "guestlua.workflow.ensure_stopped(guest, {force=true}) makes it ready to be started" },
  pmsuspended = { "operation_invalid", "the guest sleeps: it is 'pmsuspended'", WAKES },
  ioerror = { "io_error", "the guest is paused: a disk failed",
    "guest:get_disk_errors() names it; make room, or repair it, then guestlua.workflow.ensure_running(guest)" },
  job = { "operation_invalid", "the guest has a job", "guest:get_job_info() says how far it is, guest:abort_job() ends it" },
}

-- The first of these words that applies to the guest and is no key of `options`, and the job's name; nil: nothing hinders. now: from state.ask.
local function hindrance(guest, options, now)
  local word = HINDERS[now.word] and now.word or now.word == "paused" and select(2, guest:get_state()) == "ioerror" and "ioerror"
  if word and not options[word] then
    return word
  elseif not now.active or options.job == true then
    return nil
  end
  local has, operation = state.has_job(guest)
  return has and (not options.job or options.job ~= operation) and "job" or nil, operation
end

-- Refuses at once, with the call that helps, if a guest cannot be worked on as it is. options: the words that are no hindrance, with true; job may
-- be the name of a permitted job. now: from state.ask; it is returned.
function state.check(guest, options, now)
  now = now or state.look(guest)
  local word, operation = hindrance(guest, options or {}, now)
  if word then
    local kind, message, hint = table.unpack(HINDERS[word])
    message = operation and ("%s: %s"):format(message, operation) or message
    error(core.Error.new({ kind = kind, guest = guest.name, message = message, hint = hint }), 0)
  end
  return now
end

-- Whether the guest, which is not running now, would have to act itself, and what helps: nil, or an error's fields. now: from state.ask.
function state.deaf(guest, now)
  if not now.active or state.runs(now) then
    return nil
  end
  local row = HINDERS[hindrance(guest, { job = true }, now) or ""]
    or { "operation_invalid", ("the guest is '%s'"):format(now.word), "guestlua.workflow.ensure_running(guest) resumes it" }
  return { kind = row[1], message = row[2], hint = row[3] }
end

function state.is_off(now)
  return not now.active
end

function state.runs(now)
  return now.word == "running" or now.word == "blocked"
end

return state
