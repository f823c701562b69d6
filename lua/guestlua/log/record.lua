-- The changes made, for the command's --result: calls that change something, noted as they end, workflows with their own results, and recovered
-- runs. Nothing is kept unless it was switched on.

local core = require("guestlua.core")
local log = require("guestlua.log.log")
local plan = require("guestlua.log.plan")

local record = { calls = {}, workflows = {}, results = {}, fleets = {} }

local on = false
local run_of = {} -- from a call to its run

-- The marks of living runs in a guest's metadata: workflow/claim.lua.
local MARK = "^urn:guestlua:run:"

function record.begin()
  on = true
  core.record(true)
end

function record.is_on()
  return on
end

-- Adds a change: call, op, host, guest … outcome.
function record.add(entry)
  local run = plan.outermost(entry.host, entry.guest)
  if run then
    entry.workflow, entry.step, run_of[entry] = run.workflow, run.at, run
  end
  entry.arguments = entry.arguments and log.masked(entry.arguments)
  record.calls[#record.calls + 1] = entry
end

-- A call that lost its connection, or that nobody waited for, may still have been made.
local function outcome_of(call)
  if not call.kind then
    return "done"
  end
  return (call.still_running or call.kind == "disconnected") and "unknown" or "failed"
end

-- Notes a finished call that changes something: call as for core.on_call, fields as in the log.
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

-- Whether a run changed anything: its own answer counts first.
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

-- Notes a finished workflow, with its result or its error. A workflow inside another is part of that one.
function record.ended(run, result, e)
  local host = on and core.mask(run.guest.host.uri)
  if not on or plan.outermost(host, run.guest_name) ~= run then
    return
  end
  record.workflows[#record.workflows + 1] = { workflow = run.workflow, host = host, guest = run.guest_name, ok = e == nil,
    changed = run_changed(run, result), outcome = e and e.outcome, result = result, error = e, left = #run.left > 0 and run.left or nil, run = run }
end

-- Notes the results of guestlua.recover.
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
