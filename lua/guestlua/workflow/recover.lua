-- Takes back the leftovers of killed runs entry by entry: an entry that cannot be settled is set aside with its reason, and the next one follows.

local as_error = require("guestlua.base.as_error")
local core = require("guestlua.core")
local claim = require("guestlua.workflow.claim")
local define = require("guestlua.base.define")
local journal = require("guestlua.base.journal")
local record = require("guestlua.log.record")
local retry = require("guestlua.workflow.retry")

local recover = {}

local NO_GUEST = -2 -- a number that no guest has: -1 is that of one that is off

-- ---- looking ----

-- The state of an entry: "alive", "elsewhere" (of another machine), "unreadable", "set aside", or "dead".
local function standing(entry)
  if entry.problem then
    return "unreadable", entry.problem
  elseif journal.where(entry.fields.machine) == "elsewhere" then
    return "elsewhere", ("it is of the machine '%s'"):format(tostring(entry.fields.machine.name))
  elseif journal.lives(entry) then
    return "alive"
  elseif entry.fields.set_aside then
    return "set aside", tostring(entry.fields.set_aside)
  end
  return "dead"
end

-- One row per journal entry: id, state, why, and the entry's workflow, guest, uuid, host, step, since.
function recover.list()
  local rows = {}
  for i, entry in ipairs(journal.entries()) do
    local fields = entry.fields or {}
    local state, why = standing(entry)
    rows[i] = {
      id = entry.id,
      state = state,
      why = why,
      workflow = fields.workflow,
      guest = fields.guest,
      uuid = fields.uuid,
      host = fields.host,
      step = fields.step,
      since = fields.since,
    }
  end
  return rows
end

-- ---- one entry ----

-- libvirt counts its guests' numbers anew when the machine starts: the entry of a run from before does not mean the guest that has its number now. Of
-- a daemon on another machine that is not known.
local function forget_number(host, fields)
  local is_here = host.uri:find("^[%w+.-]+:///") ~= nil
  if is_here and journal.where(fields.machine) == "before" and type(fields.data.id) == "number" then
    fields.data.id = NO_GUEST
  end
end

-- Calls the recoverer with the guest's claim taken. Returns what was done, and the files that stay.
local function settle(host, entry, adopt)
  local fields = entry.fields
  local recoverer = journal.recoverers[fields.workflow]
  if not recoverer then
    error(core.Error.new({ kind = "no_support", op = "recover", message = ("no workflow is called '%s'"):format(fields.workflow) }), 0)
  end
  local read, done, left -- done, left: of the first try, if it had removed the entry by the time that it failed
  return retry.insist({ host = host }, nil, function()
    local guest <close> = host:guest(fields.uuid)
    local claimed = claim.take(guest or { uuid = fields.uuid, name = fields.guest }, { id = entry.id, workflow = "recover" },
      { recovers = true, adopt = adopt })
    local ok, e = pcall(function()
      local now = journal.again(entry)
      if not now then -- somebody else has recovered it meanwhile
        return
      elseif not read then -- or was killed while he did
        read, fields, entry.fields = true, now.fields, now.fields
      end
      if guest then
        claim.await_turn(guest)
      end
      forget_number(host, fields)
      done, left = recoverer(host, guest, fields, entry)
      local removed, why = pcall(entry.remove, entry)
      if guest and guest:is_active() then -- else the next recovery would take what others do by then for the run's
        claim.clear_mark(guest, entry.id)
      end
      if not removed then
        why.outcome = why.outcome or ("%s; its entry %s stays in the journal"):format(done, entry.id)
        error(why, 0)
      end
    end)
    claimed:release(nil)
    if not ok and not (done and core.Error.is(e, "no_domain")) then
      error(e, 0)
    end
    return done, left
  end)
end

local function work_on(host, entry, result, adopt)
  local was_set_aside = entry.fields.set_aside
  local ok, done, left = pcall(settle, host, entry, adopt)
  if ok then
    result.outcome, result.left = done, left and #left > 0 and left or nil
    return
  end
  done = as_error(done)
  result.error = done
  if retry.stops(done) then
    error(done, 0)
  elseif not core.Error.is(done, "busy") then
    pcall(entry.write, entry, { set_aside = done.message })
  end
  return not was_set_aside and not core.Error.is(done, "busy") and done or nil
end

local function is_meant(entry, host, guest)
  local fields = entry.fields
  return not fields or fields.host == host.uri and (not guest or fields.guest == guest or fields.uuid == guest)
end

-- ---- marks of other machines' runs ----

-- Removes running guests' marks of runs that have no entry in this journal. Adds a result for each, and returns the first failure.
local function adopt(host, name, results)
  local failure
  for _, guest in ipairs(host:guests({ active = true })) do
    local one <close> = guest
    local ok, marks = pcall(function()
      return (not name or one.name == name or one.uuid == name) and claim.adopt(one) or {}
    end)
    if retry.stops(marks) then
      error(marks, 0)
    elseif not ok and not core.Error.is(marks, "no_domain") then
      failure = failure or not core.Error.is(marks, "busy") and marks or nil
      results[#results + 1] = { workflow = "claim", guest = one.name, error = marks }
    end
    for _, mark in ipairs(ok and marks or {}) do
      results[#results + 1] = { id = mark.run, workflow = mark.workflow, guest = one.name,
        outcome = ("the guest is free: the claim of machine '%s' was taken away"):format(mark.machine) }
    end
  end
  return failure
end

-- ---- marks of runs that had nothing to take back ----

-- Seconds for all of them: the next run on a guest removes a mark that stays.
local SWEEP = 15

local function sweep(host, name)
  for _, guest in ipairs(host:guests({ active = true })) do
    local one <close> = guest
    if not name or one.name == name or one.uuid == name then
      retry.try(claim.sweep, one)
    end
  end
end

-- ---- all of them ----

local function run(host, options)
  core.check_self(host, "Host", "recover")
  for _ in pairs(require("guestlua.workflow")) do end -- loads them: each says how it is recovered
  require("guestlua.workflow.device.attached") -- and the other guards with it
  local results, failure, entries = {}, nil, journal.entries()
  for i = #entries, 1, -1 do -- what one run left may be on top of what an earlier one did
    local entry = entries[i]
    local state, why = standing(entry)
    if is_meant(entry, host, options.guest) and state ~= "alive" then
      local fields = entry.fields or {}
      local result = { id = entry.id, workflow = fields.workflow, guest = fields.guest, step = fields.step }
      results[#results + 1] = result
      if state == "unreadable" or state == "elsewhere" and not options.adopt then
        result.problem = why
      else
        local ok, e = pcall(work_on, host, entry, result, options.adopt)
        failure = failure or e
        if not ok then
          break
        elseif not result.outcome and not result.error then
          results[#results] = nil -- somebody else did it
        end
      end
    end
  end
  if options.adopt and not retry.stops(failure) then
    local _, e = pcall(adopt, host, options.guest, results)
    failure = failure or e
  end
  if not failure then
    retry.try(core.within, core.now() + SWEEP, 0, sweep, host, options.guest)
  end
  journal.sweep()
  record.recovered(results)
  if failure then
    failure = as_error(failure)
    failure.results = results
    error(failure, 0)
  end
  return results
end

define(recover, "guestlua", {
  name = "recover",
  help = "Finds the leftovers of killed workflows and killed guards on the guests of a host (an overlay, a job, frozen file systems, a paused "
    .. "guest) and finishes them or takes them back, the newest first, as the present state allows. Living runs are left alone. A second call "
    .. "changes nothing more. An entry that cannot be settled stays in the journal, set aside with its reason, and is tried again next time; the "
    .. "first time its error is raised in the end, with all results in the error's field `results`.",
  result = "table[]",
  fields = {
    { name = "id", type = "string", help = "the run's, as `guestlua recover --forget` takes it" },
    { name = "workflow", type = "string", help = "the workflow or guard" },
    { name = "guest", type = "string", help = "the guest's name" },
    { name = "step", type = "string", help = "the last step that the run reached" },
    { name = "outcome", type = "string?", help = "what was done" },
    { name = "error", type = "Error?", help = "why it is set aside" },
    { name = "problem", type = "string?", help = "why the entry was not examined: damaged, or of another version, user or machine" },
    { name = "left", type = "table[]?", help = "files that stay: path, why" },
  },
  params = {
    { name = "host", type = "Host", positional = true, required = true, help = "the Host" },
    { name = "guest", type = "string", help = "the name or UUID of the only guest to recover" },
    { name = "adopt", type = "boolean", help = "also take over runs that cannot be seen from here, as on another machine: only if they are over for "
      .. "good" },
  },
  run = run,
})

return recover
