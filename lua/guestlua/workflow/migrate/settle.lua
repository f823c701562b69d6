-- Finds out on which of two hosts a guest runs after a migration: on exactly one, or it is not known.

local core = require("guestlua.core")
local retry = require("guestlua.workflow.retry")
local state = require("guestlua.workflow.state")
local steps = require("guestlua.workflow.steps")
local turn = require("guestlua.guest.turn")

local settle = {
  SECONDS = 20, -- until both hosts have to agree where the guest is
  TWO_COPIES = "look at both hosts before you start or resume it on either: two running copies of a guest destroy its disks; the journal knows: "
    .. "guestlua.recover(host), once both hosts answer",
}

-- Seconds for a change without effect.
local TURN = 5

-- Which of the two hosts has the guest: "there", "here", "nowhere"; nil if that is not known yet. was: whether it was "running" or "paused".
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

-- Two estimates of the moment at which one job began differ by less, in seconds.
local SAME = 2

-- When the job of a get_job_info() began, on this process's clock.
function settle.began(info)
  return core.now() - (info.time_elapsed or 0) / 1000
end

-- Whether it is the job that began then.
function settle.is_same(info, began)
  return began ~= nil and math.abs(settle.began(info) - began) < SAME
end

-- The guest's state at the source, and whether it is migrated from there: under_way. The run's own job is aborted; other: the name of one that is
-- somebody else's.
local function at_source(source, uuid, deadline, is_own)
  local here = state.of(source, uuid, deadline)
  local guest <close> = here.active and source:guest(uuid) or nil
  if guest then
    local has, operation, info = state.has_job(guest)
    local own = info and operation == "migration_out" and is_own(info)
    here.under_way = has and (own or operation == "migration_out")
    here.other = has and not own and operation or nil
    if own then
      retry.try(guest.abort_job, guest) -- refused in post-copy: it has to end
    end
  end
  return here
end

-- Whether no call for a migration, which nobody waits for, can still have its effect. get_job_info does not know of a migration that has yet to reach
-- the other host; a change has to wait for it.
local function is_over(source, uuid)
  local guest <close> = source:guest(uuid)
  return not guest or (retry.try(core.within, core.now() + TURN, 0, turn.await, guest))
end

local function answer(fn, ...)
  local ok, now = retry.try(fn, ...)
  return ok and now or nil
end

-- Asks both hosts until they agree, and aborts the migration, if is_own(its get_job_info()). Returns the verdict, "unknown" if there is none, and the
-- last known state on both, nil for a host that does not answer. destination: nil if it cannot be reached. began: since when it is settled; default
-- now.
function settle.agree(source, destination, uuid, was, is_own, began)
  local deadline = (began or core.now()) + (destination and settle.SECONDS or settle.SECONDS / 10)
  while true do
    local here = answer(at_source, source, uuid, deadline, is_own)
    local there = destination and answer(state.of, destination, uuid, deadline)
    local word = here and there and verdict(here, there, was)
    if not word and here and not there and not here.under_way and state.runs(here) then
      word = "here" -- the destination need not answer: it runs here only if the migration is off
    end
    if (word == "here" or word == "nowhere") and not is_over(source, uuid) then
      word = nil
    end
    if word or core.now() >= deadline then
      return word or "unknown", here, there
    end
    core.sleep(0.2)
  end
end

local function text(now)
  return now and ("'%s'%s"):format(now.word, now.other and (", with the job %s, which is not known to be the run's"):format(now.other) or "")
    or "not known, as it does not answer"
end

function settle.unknown(guest, source, destination, here, there, cause)
  steps.fail("job_unknown", guest, {
    message = ("it is not known where the guest runs: on %s it is %s, on %s %s%s"):format(source, text(here), destination, text(there),
      cause and "; " .. tostring(cause.message or cause) or ""),
    hint = settle.TWO_COPIES,
    cause = cause,
  })
end

-- The guest is here, and not there: it runs on as before.
function settle.go_on(guest, was)
  retry.insist(guest, nil, function()
    if was == "running" and state.of(guest.host, guest.uuid).word == "paused" then
      guest:resume()
    end
  end)
end

return settle
