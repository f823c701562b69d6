-- --result: one JSON document about what a script came to, for programs that run it. The manual has its fields; what is added to them keeps the
-- version, what changes their meaning makes it a new one.

local core = require("guestlua.core")
local json_for = require("guestlua.base.json")
local plan = require("guestlua.log.plan")
local plain = require("guestlua.log.plain")
local record = require("guestlua.log.record")

local result = {}

local SCHEMA, VERSION = "guestlua.result", 1

local ORDER = { "schema", "version", "guestlua", "state", "ok", "exit_code", "dry_run", "changed", "results", "error", "calls", "workflows",
  "recovered", "left", "problems", "warnings", "started", "seconds" }
local CALL = { "call", "op", "host", "guest", "device", "object_type", "object", "arguments", "outcome", "error", "message", "duration_ms",
  "workflow", "step" }

local json, target, began, started

-- ---- the document ----

local function list(of, fn)
  local made = {}
  for i, one in ipairs(of) do
    made[i] = fn(one)
  end
  return setmetatable(made, { __jsontype = "array" })
end

local function call_of(entry)
  return setmetatable(plain.value(entry), { __jsonorder = CALL })
end

-- The calls that were made, and those that were held back.
local function all_calls()
  local calls = table.move(record.calls, 1, #record.calls, 1, {})
  for _, entry in ipairs(plan.list()) do
    if entry.call then
      calls[#calls + 1] = { call = entry.call, op = entry.op, host = entry.host, guest = entry.guest, device = entry.device,
        object_type = entry.object_type, object = entry.object, arguments = entry.arguments, outcome = "held", workflow = entry.workflow,
        step = entry.step }
    end
  end
  return list(calls, call_of)
end

local function failure_of(e)
  return e and plain.error(e) or nil
end

local function workflow_of(one)
  return { workflow = one.workflow, host = one.host, guest = plain.text(one.guest), ok = one.ok, changed = one.changed,
    outcome = one.outcome and plain.text(one.outcome), result = one.result and plain.value(one.result), error = failure_of(one.error) }
end

local function recovered_of(one)
  local fields = plain.value(one)
  fields.error = failure_of(one.error)
  return fields
end

-- What the fleets have in that list, each as fn gives it.
local function of_fleets(key, fn)
  local all = {}
  for _, fleet in ipairs(record.fleets) do
    table.move(fleet[key], 1, #fleet[key], #all + 1, all)
  end
  return list(all, fn)
end

local function problem_of(one)
  return { host = plain.text(one.name), error = failure_of(one.error) }
end

local function warning_of(one)
  return { hosts = list(one.hosts, plain.text), message = plain.text(one.message) }
end

local function all_left()
  local left = {}
  for _, source in ipairs({ record.workflows, record.results }) do
    for _, one in ipairs(source) do
      for _, file in ipairs(one.left or {}) do
        left[#left + 1] = { path = file.path, why = file.why, workflow = one.workflow, guest = one.guest }
      end
    end
  end
  return list(left, plain.value)
end

-- state: "running" or "finished"; ended: what is known of the end.
local function document(state, ended)
  local fields = {
    schema = SCHEMA,
    version = VERSION,
    guestlua = core.version.guestlua,
    state = state,
    ok = ended.ok or false,
    exit_code = ended.exit_code,
    dry_run = core.dry_run(),
    changed = record.changed(),
    results = ended.results and list(ended.results, function(value)
      return plain.value(value[1])
    end),
    error = failure_of(ended.error),
    calls = all_calls(),
    workflows = list(record.workflows, workflow_of),
    recovered = list(record.results, recovered_of),
    left = all_left(),
    problems = of_fleets("problems", problem_of),
    warnings = of_fleets("warnings", warning_of),
    started = started,
    seconds = core.now() - began,
  }
  return json.encode(setmetatable(fields, { __jsonorder = ORDER }))
end

local function write(state, ended)
  if target ~= "-" then
    core.write_file(target, document(state, ended) .. "\n")
  elseif state == "finished" then
    io.stdout:write(document(state, ended), "\n")
    io.stdout:flush()
  end
end

-- Begins it: from now on what is changed is recorded. A file says at once that the script runs, so that nobody takes an older one for this one's,
-- and a file that cannot be written is known before anything is done. It raises then.
function result.begin(path)
  json = json_for("result", "--result")
  if path:find("^/dev/") or path:find("^/proc/") or path:find("/$") then
    error(core.Error.new({ kind = "bad_argument", op = "--result", argument = "FILE", message = "--result: a plain file expected, or -" }), 0)
  end
  target, began, started = path, core.now(), core.timestamp()
  record.begin()
  write("running", {})
  local exit = os.exit
  os.exit = function(code, ...) -- luacheck: ignore
    local number = (code == nil or code == true) and 0 or code == false and 1 or math.tointeger(code)
    result.finish({ ok = number == 0, exit_code = number })
    return exit(code, ...)
  end
end

-- Writes it. values: what the script gave, { code or nil, results }.
function result.finish(ended)
  if target then
    write("finished", ended)
    target = nil
  end
end

return result
