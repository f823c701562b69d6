-- What all workflows share: named steps, the journal, and errors that say which step failed and how things were left.
--
--   return frame.run("snapshot_then_commit", guest, function(run)
--     run:record{ step = "snapshot", overlays = … }            in the journal, before what it describes
--     run:step("snapshot", function() … end)              run:change the same, for a call that is not to be abandoned
--     …
--     return { chain = … }                                     what the workflow returns; frame adds workflow, steps, seconds
--   end)

local core = require("guestlua.core")
local journal = require("guestlua.journal")

local frame = {}

local Run = {}
Run.__index = Run

-- Calls fn as the step of that name, and keeps how long it took.
function Run:step(name, fn, ...)
  self.at = name
  local began = core.now()
  local results = table.pack(fn(...))
  self.steps[#self.steps + 1] = { name = name, seconds = core.now() - began }
  return table.unpack(results, 1, results.n)
end

-- The same for a call that changes something: being cancelled waits until it is over. One that was abandoned would go on in libvirt, and what it does
-- would be taken back before it is done.
function Run:change(name, fn, ...)
  return self:step(name, function(...)
    local results = table.pack(core.shield(fn, ...))
    core.check()
    return table.unpack(results, 1, results.n)
  end, ...)
end

-- Writes fields to the run's journal.
function Run:record(fields)
  self.entry = self.entry or journal.begin(self.workflow, self.guest)
  self.at = fields.step or self.at
  fields.step = self.at
  self.entry:write(fields)
end

-- Nothing is left to recover.
function Run:forget()
  if self.entry then
    self.entry:remove()
  end
end

-- How a run that failed left things, for the error.
function Run:left(outcome)
  self.outcome = outcome
end

local function explained(run, e)
  if not core.Error.is(e) then
    e = core.Error.new({ kind = "script", message = tostring(e), value = e })
  end
  e.workflow = e.workflow or run.workflow
  e.step = e.step or run.at
  e.guest = e.guest or run.guest_name
  e.outcome = e.outcome or run.outcome
  e.steps = e.steps or run.steps
  return e
end

function frame.run(workflow, guest, fn)
  local run = setmetatable({ workflow = workflow, guest = guest, guest_name = guest.name, steps = {}, began = core.now() }, Run)
  local ok, result = pcall(fn, run)
  if not ok then
    if run.entry then
      pcall(run.entry.let_go, run.entry)
    end
    error(explained(run, result), 0)
  end
  run:forget()
  result = result or {}
  result.workflow, result.guest, result.steps, result.seconds = workflow, run.guest_name, run.steps, core.now() - run.began
  return result
end

-- Raises an error of the workflow's own.
function frame.fail(kind, guest, fields)
  fields.kind, fields.guest = kind, guest.name
  error(core.Error.new(fields), 0)
end

-- ---- what has to succeed ----

local RETRY_FOR, PAUSE, TRIES = 60, 0.5, 3

-- Calls fn, which can be called again, until it succeeds: for what takes something back. A lost connection is opened again, for a minute; what fails
-- over a connection that is there gets three tries. object: the Guest, or the Host.
function frame.insist(object, fn)
  local host, deadline, failed = object.host or object, core.now() + RETRY_FOR, 0
  while true do
    local results = table.pack(pcall(fn))
    local ok, e = results[1], results[2]
    if ok then
      return table.unpack(results, 2, results.n)
    elseif core.Error.is(e, "interrupted") or core.Error.is(e, "cancelled") then
      error(e, 0)
    end
    local known, alive = pcall(host.is_alive, host)
    if known and alive then
      failed = failed + 1
    else
      pcall(host.reconnect, host)
    end
    if failed >= TRIES or core.now() >= deadline or core.Error.is(e, "closed") then
      error(e, 0)
    end
    core.sleep(PAUSE)
  end
end

-- How long the agent may take to say that it is there, and to thaw, in seconds.
local PING, THAW = 5, 30

-- Raises where the agent does not answer: its file systems cannot be frozen, and nothing has been done yet.
function frame.check_agent(guest)
  guest:agent_command('{"execute":"guest-ping"}', { timeout = PING })
end

-- Thaws the guest's file systems after a freeze that may or may not have been. Where there is no agent there was none.
function frame.thaw(guest)
  local ok, e = pcall(guest.thaw_filesystems, guest, { timeout = THAW })
  if ok or core.Error.is(e, "argument_unsupported") or not guest:is_active() then
    return
  elseif core.Error.is(e) then
    e.hint = "THE GUEST MAY BE FROZEN: when it answers again, guest:thaw_filesystems()"
  end
  error(e, 0)
end

return frame
