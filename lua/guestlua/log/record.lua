-- What was changed, for the command's --result: the calls that change something as they end, the workflows and what they say of themselves, and what
-- was recovered. Nothing is kept unless it was switched on.

local core = require("guestlua.core")
local log = require("guestlua.log.log")
local plan = require("guestlua.log.plan")

local record = { calls = {}, workflows = {}, results = {}, fleets = {} }

local on = false
local run_of = {} -- of a call, the run that it belongs to

-- The marks that runs leave in a guest's metadata while they go on: workflow/claim.lua.
local MARK = "^urn:guestlua:run:"

function record.begin()
  on = true
  core.record(true)
end

function record.is_on()
  return on
end

-- Adds something that was done: call, op, host, guest … outcome.
function record.add(entry)
  local run = plan.outermost(entry.host, entry.guest)
  if run then
    entry.workflow, entry.step, run_of[entry] = run.workflow, run.at, run
  end
  entry.arguments = entry.arguments and log.masked(entry.arguments)
  record.calls[#record.calls + 1] = entry
end

-- A call whose connection was lost, or that nobody waited for, may have been made all the same.
local function outcome_of(call)
  if not call.kind then
    return "done"
  end
  return (call.still_running or call.kind == "disconnected") and "unknown" or "failed"
end

-- What a call that changes something says when it is over: call as core.on_call has it, fields as the log has them.
function record.call(call, fields)
  local arguments = fields.arguments
  if call.op == "set_metadata" and arguments and tostring(arguments.uri):find(MARK) then
    return
  end
  record.add({ call = call.call, op = call.op, host = call.host, guest = call.guest, device = call.device, object_type = call.object_type,
    object = call.object, arguments = arguments, duration_ms = call.duration_ms, outcome = outcome_of(call), error = call.kind,
    message = call.message })
end

local function did_change(entry)
  return entry.outcome == "done" or entry.outcome == "unknown"
end

-- Whether a run changed anything: what it says itself counts first.
local function run_changed(run, result)
  if result and type(result.changed) == "boolean" then
    return result.changed
  end
  for _, entry in ipairs(record.calls) do
    if run_of[entry] == run and did_change(entry) then
      return true
    end
  end
  return false
end

-- A workflow is over, with its result or its error. Those inside of another one are a part of that.
function record.ended(run, result, e)
  local host = on and core.mask(run.guest.host.uri)
  if not on or plan.outermost(host, run.guest_name) ~= run then
    return
  end
  record.workflows[#record.workflows + 1] = { workflow = run.workflow, host = host, guest = run.guest_name, ok = e == nil,
    changed = run_changed(run, result), outcome = e and e.outcome, result = result, error = e, left = #run.left > 0 and run.left or nil, run = run }
end

-- What guestlua.recover gives.
function record.recovered(results)
  table.move(on and results or {}, 1, on and #results or 0, #record.results + 1, record.results)
end

-- A fleet is there: its problems at the end are a part of what came of it.
function record.fleet(fleet)
  record.fleets[#record.fleets + 1] = on and fleet or nil
end

-- Whether anything was changed; in a dry run: whether anything would have been.
function record.changed()
  local counted = {}
  for _, one in ipairs(record.workflows) do
    counted[one.run] = true
    if one.changed then
      return true
    end
  end
  for _, entry in ipairs(record.calls) do
    if not (run_of[entry] and counted[run_of[entry]]) and did_change(entry) then
      return true
    end
  end
  for _, entry in ipairs(plan.list()) do
    if entry.call then
      return true
    end
  end
  return false
end

return record
