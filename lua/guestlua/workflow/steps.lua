-- A workflow is a list of steps, each with its undo. A run that fails, is asked to stop or was killed is taken back by the same undos, last first.
--
--   steps.define({
--     name = "…", help = "…", params = { … },
--     fields = { … }                   the fields of the workflow's result, besides those of all workflows
--     arguments = function(run, …)     refuses bad input before libvirt is called; fills run.args for the steps
--     turn = function(run)             waits for the run's turn among others, before the guest is claimed
--     plan = function(run)             looks, changes nothing, and returns the journal's data: run.data
--     { "copy", run = fn, undo = fn, change = true },
--     …
--     beside = function(run, group)    starts tasks that end with the run
--     result = function(run)           that table
--     left = function(run)             how a failed run left the guest, if no undo said so
--     unknown = "…"                    the outcome if the state cannot be known
--     recover = function(run, host, guest)     takes back what a killed run left, instead of the undos
--     subject = function(host, options)        the workflow is called with a Host: { uuid, name, host } of a guest that does not exist yet
--     own_turn = true                  the undos wait for an abandoned call themselves, because they end the job that the guest has first
--     own_timeout = true               the option timeout is not for the whole workflow, but as its help says
--     gone = function(run)             the outcome of a recovery if the host does not know the guest
--   })
--
-- A step has:
--   run(run)
--   undo(run)   can be called again, goes by the state at that time, and may return how it left things
--   when(run)   whether the step is to be taken
--   change      a cancellation waits until its call is over, because libvirt would continue an abandoned one
--   recorded    the journal gets the step's name before it begins, as for every step with an undo
--   parts       it calls run:part and run:change, which are reported as the steps
--   checks      a dry run, which has changed nothing, leaves it out
--   unlimited   the option timeout does not count
--   moves       afterwards the guest is off, or runs elsewhere
--   aside       does nothing to the guest, or says itself what became of it: it is compared before the next step
--   any_size    its disks may have another size than the run left them with
--
-- Before each other step the guest is compared with how the run left it (run:watch, run.expected): somebody else's change is an error "conflict".
-- So is a failed step if somebody has changed the guest meanwhile: libvirt's error is the cause.

local as_error = require("guestlua.base.as_error")
local core = require("guestlua.core")
local claim = require("guestlua.workflow.claim")
local define = require("guestlua.base.define")
local journal = require("guestlua.base.journal")
local plan = require("guestlua.log.plan")
local record = require("guestlua.log.record")
local retry = require("guestlua.workflow.retry")
local Run = require("guestlua.workflow.run")
local state = require("guestlua.workflow.state")
local task = require("guestlua.task.group")
local turn = require("guestlua.guest.turn")
local undo = require("guestlua.base.undo")
local workflow = require("guestlua.workflow.class")

local steps = {}

-- Seconds for each call for a claim, for a last look at the guest, and for the end of a claim.
local LOOKING, LAST_LOOK, ENDING = 15, 10, 5

-- Raises an error of a workflow's own about a guest.
function steps.fail(kind, guest, fields)
  fields.kind, fields.guest = kind, guest.name
  error(core.Error.new(fields), 0)
end

-- What has to be so before a step: the journal has it, and the guest is unchanged. The disk and libvirt work on that at the same time.
local function prepare(run, step)
  local entry <close> = (step.undo or step.recorded) and run:begin_record(step[1]) or nil
  if not step.aside then
    run:check_unchanged(step.any_size)
  end
  if entry then
    entry:settle()
  end
end

local function perform(run, step)
  run.at = step[1]
  prepare(run, step)
  local ok, e
  if step.unlimited or step.moves then
    ok, e = pcall(run.perform, run, step)
  else
    ok, e = pcall(run.blaming_others, run, run.perform, run, step)
  end
  if not ok then
    error(e or as_error(e), 0) -- a scope that is left by error(nil) looks like one that has reached its end
  end
end

-- ---- taking back ----

-- Runs the undos of the begun steps, last first: each is tried even if another failed. Returns how things were left; raises the first failure.
local function take_back(run)
  run.deadline, run.taking_back = nil, true -- the guest's writes have to be merged, however long that takes, and whatever the script's functions do
  local deadline, texts, failure = retry.deadline(), {}, nil
  if not run.spec.own_turn then
    retry.insist(run.guest, deadline, function()
      turn.await_abandoned(run.guest, run.failure, retry.time_for_one(deadline))
    end)
  end
  for i = run.reached, 1, -1 do
    local step = run.spec[i]
    if failure and core.now() >= deadline then -- nobody answers
      break
    end
    if step.undo and not (step.when and not step.when(run)) then
      local ok, text = pcall(retry.insist, run.guest, deadline, step.undo, run)
      if not ok then
        failure = failure or text
      elseif text and text ~= texts[#texts] then
        table.insert(texts, text)
      end
    end
  end
  if failure then
    error(failure, 0)
  end
  if #texts == 0 and run.spec.left then
    texts[1] = core.within(core.now() + LAST_LOOK, 0, run.spec.left, run)
  end
  return run:with_left(#texts > 0 and table.concat(texts, "; ") or "undone")
end

-- Errors that leave the state unknown.
local NO_ANSWER = { job_unknown = true, timeout = true, disconnected = true, interrupted = true, cancelled = true }

-- For a guest that is gone by now: nothing can be taken back.
local function take_back_or_gone(run)
  local ok, text = pcall(take_back, run)
  if ok then
    return text
  elseif not core.Error.is(text, "no_domain") or state.look(run.guest).known then
    error(text, 0)
  end
  return run:with_left(run.spec.gone and run.spec.gone(run) or "the guest is gone")
end

local function undo_guard(run)
  return undo.guard(function(failure)
    if not failure then
      return
    end
    run.failure = failure
    run.outcome = run.spec.unknown or "it is not known how the guest is left; the journal knows what was begun: guestlua.recover(host)"
    local ok, text = pcall(take_back_or_gone, run)
    if not ok then
      text = as_error(text)
      run.unanswered = NO_ANSWER[text.kind]
      run.outcome = run.unanswered and run.outcome
        or run:with_left(("not taken back: %s; the journal knows: guestlua.recover(host)"):format(text.message))
      error(text, 0)
    end
    run.outcome = text
    run:forget()
  end)
end

-- ---- running ----

local function explained(run, e)
  e = as_error(e)
  e.workflow = e.workflow or run.workflow
  e.step = e.step or run.at
  e.guest = e.guest or run.guest_name
  e.outcome = e.outcome or run.outcome
  e.steps = e.steps or run.steps
  e.plan = e.plan or run.plan
  e.left = e.left or #run.left > 0 and run.left or nil
  return e
end

-- Made before the guest is claimed: a signal may come at any moment.
local function claim_guard(run)
  return undo.guard(function()
    run:let_go()
    if run.claim then
      local guest = not run.unanswered and (run.arrived or run.guest) or nil -- a host that did not answer is not asked again
      core.within(core.now() + ENDING, 0, run.claim.release, run.claim, guest)
    end
  end)
end

local LOOK = {}

local function execute(run)
  local spec = run.spec
  run.at = "claim"
  local claimed <close> = claim_guard(run) -- luacheck: ignore claimed
  if spec.turn and not core.dry_run() then
    spec.turn(run)
    run.began = core.now()
  end
  if not core.dry_run() then
    core.within(0, LOOKING, claim.take, run.guest, run, { wait = run.options.wait })
  end
  run.deadline = not spec.own_timeout and run.options.timeout and core.now() + run.options.timeout or nil
  run.data = run:step("look", LOOK, spec.plan, run)
  local group <close> = task.group()
  run.group = group
  if spec.beside and not core.dry_run() then
    spec.beside(run, group)
  end
  local guard <close> = undo_guard(run)
  for i, step in ipairs(run.done and {} or spec) do
    if not (step.when and not step.when(run) or step.checks and core.dry_run()) then
      run.reached = i
      perform(run, step)
    end
  end
  local result = spec.result and spec.result(run) or {}
  guard:keep()
  run.outcome = run.outcome or "finished: every step was done" -- a signal may still come while the claim is released
  run:forget()
  return result
end

local WAIT = { name = "wait", type = "number", help = "seconds to wait until another run on the guest is over; default 0: an error of kind \"busy\"" }
local TIMEOUT = { name = "timeout", type = "number", help = "seconds for the whole workflow; after that it is taken back" }
local CALL_TIMEOUT = { name = "timeout", type = "number", help = "seconds for each libvirt call; default 60" }

local function params_of(spec)
  local params, has_timeout = {}, false
  for i, param in ipairs(spec.params) do
    params[i] = param
    has_timeout = has_timeout or param.name == "timeout"
  end
  params[#params + 1] = not has_timeout and (spec.own_timeout and CALL_TIMEOUT or TIMEOUT) or nil
  params[#params + 1] = WAIT
  return params
end

-- The fields of each workflow's result.
local FIELDS = {
  { name = "workflow", type = "string", help = "its name" },
  { name = "guest", type = "string", help = "the guest's name" },
  { name = "steps", type = "table[]", help = "the steps that were taken, in their order: name, seconds" },
  { name = "seconds", type = "number", help = "how long the workflow took" },
  { name = "left", type = "table[]?", help = "files that stay: path, why; nil if there are none" },
  { name = "plan", type = "table[]?", help = "in a dry run: the calls that were not made, as from guestlua.plan()" },
}

local function fields_of(spec)
  local fields = table.move(FIELDS, 1, #FIELDS, 1, {})
  return table.move(spec.fields or {}, 1, #(spec.fields or {}), #fields + 1, fields)
end

local function run_steps(spec, guest, options, ...)
  core.check_self(guest, spec.subject and "Host" or "Guest", spec.name)
  local own <close> = not spec.subject and core.another(guest) or nil -- the script's functions may close theirs
  guest = own or spec.subject(guest, options)
  local run = Run.new(spec, guest, options)
  if spec.arguments then
    spec.arguments(run, ...)
  end
  local planned <close> = (core.dry_run() or record.is_on()) and plan.begin(run) or nil -- luacheck: ignore planned
  local ok, result = pcall(execute, run)
  if not ok then
    result = explained(run, result)
    record.ended(run, nil, result)
    error(result, 0)
  end
  result.workflow, result.guest, result.steps, result.seconds = run.workflow, run.guest_name, run.steps, core.now() - run.began
  result.left = #run.left > 0 and run.left or nil
  result.plan = core.dry_run() and (run.plan or {}) or nil
  record.ended(run, result)
  return result
end

-- ---- recovering ----

local function index_of(spec, name)
  for i, step in ipairs(spec) do
    if step[1] == name then
      return i
    end
  end
  error(core.Error.new({ kind = "no_support", op = "recover", message = ("%s has no step '%s'"):format(spec.name, tostring(name)) }), 0)
end

-- Takes back what a dead run left, with the guest's claim taken. guest: nil if the host does not know it. Returns what was done.
-- written: the journal's Entry, to which the recovery adds how far it comes: it may be killed, too.
local function recover(spec, host, guest, entry, written)
  local run = Run.new(spec, guest or { name = entry.guest }, {})
  run.id, run.uuid, run.guest, run.data, run.entry = entry.id, entry.uuid, guest, entry.data, written
  run.recovering, run.reached = true, index_of(spec, entry.step)
  if spec.recover then
    return spec.recover(run, host, guest), run.left
  elseif not guest then
    run.guest = { host = host, name = entry.guest, uuid = entry.uuid }
    return run:with_left(spec.gone and spec.gone(run) or "the guest is gone"), run.left
  end
  return take_back(run), run.left
end

-- Adds a workflow to guestlua.workflow.
function steps.define(spec)
  define(workflow, "workflow", {
    name = spec.name,
    help = spec.help,
    fields = fields_of(spec),
    params = params_of(spec),
    run = function(...)
      local arguments = table.pack(...)
      return run_steps(spec, arguments[1], arguments[arguments.n], table.unpack(arguments, 2, arguments.n))
    end,
  })
  journal.recoverers[spec.name] = function(...)
    return recover(spec, ...)
  end
end

return steps
