-- --result: one JSON document about what a script came to, for programs that run it. The manual has its fields; what is added to them keeps the
-- version, what changes their meaning makes it a new one.

local core = require("guestlua.core")
local json_for = require("guestlua.base.json")
local plan = require("guestlua.log.plan")
local record = require("guestlua.log.record")

local result = {}

local SCHEMA, VERSION = "guestlua.result", 1
local DEEPEST = 32

local ORDER = { "schema", "version", "guestlua", "state", "ok", "exit_code", "dry_run", "changed", "results", "error", "calls", "workflows",
  "recovered", "left", "problems", "started", "seconds" }
local CALL = { "call", "op", "host", "guest", "device", "object_type", "object", "arguments", "outcome", "error", "message", "duration_ms",
  "workflow", "step" }

local json, target, began, started

-- ---- values ----

local plain -- function

local function text(value)
  local masked = core.mask((value:gsub("\0", "\\x00"))) -- the mask would end there
  return utf8.len(masked) and masked or core.escape(masked, "keep")
end

local function is_list(t)
  local count = 0
  for key in next, t do
    count = count + 1
    if math.type(key) ~= "integer" or key < 1 then
      return false
    end
  end
  return count == rawlen(t)
end

-- Nothing of the script's is called for it: metatables do not count.
local function plain_table(t, depth, around)
  if around[t] or depth > DEEPEST then
    return "..."
  end
  around[t] = true
  local copy = {}
  if is_list(t) then
    for i = 1, rawlen(t) do
      copy[i] = plain(rawget(t, i), depth + 1, around)
    end
  else
    for key, value in next, t do
      local name = text(tostring(type(key) == "table" and type(key) or key))
      copy[name] = core.is_secret_name((name:gsub("%z", " "))) and "***" or plain(value, depth + 1, around)
    end
    setmetatable(copy, { __jsontype = "object" })
  end
  around[t] = nil
  return copy
end

-- A value as JSON can have it, without secrets.
function plain(value, depth, around)
  local kind = type(value)
  if kind == "nil" then
    return json.null
  elseif kind == "boolean" or math.type(value) == "integer" or kind == "number" and value - value == 0 then
    return value
  elseif kind == "table" then
    return plain_table(value, depth or 1, around or {})
  end
  return text(tostring(value))
end

local function error_of(e)
  if not core.Error.is(e) then
    return { kind = "script", message = text(tostring(type(e) == "table" and "an error that is a table" or e)) }
  end
  local fields = plain(e)
  fields.text = text(tostring(e))
  return fields
end

-- ---- the document ----

local function list(of, fn)
  local made = {}
  for i, one in ipairs(of) do
    made[i] = fn(one)
  end
  return setmetatable(made, { __jsontype = "array" })
end

local function call_of(entry)
  return setmetatable(plain(entry), { __jsonorder = CALL })
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
  return e and error_of(e) or nil
end

local function workflow_of(one)
  return { workflow = one.workflow, host = one.host, guest = text(one.guest), ok = one.ok, changed = one.changed,
    outcome = one.outcome and text(one.outcome), result = one.result and plain(one.result), error = failure_of(one.error) }
end

local function recovered_of(one)
  local fields = plain(one)
  fields.error = failure_of(one.error)
  return fields
end

local function all_problems()
  local problems = {}
  for _, fleet in ipairs(record.fleets) do
    table.move(fleet.problems, 1, #fleet.problems, #problems + 1, problems)
  end
  return list(problems, function(one)
    return { host = text(one.name), error = failure_of(one.error) }
  end)
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
  return list(left, plain)
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
      return plain(value[1])
    end),
    error = failure_of(ended.error),
    calls = all_calls(),
    workflows = list(record.workflows, workflow_of),
    recovered = list(record.results, recovered_of),
    left = all_left(),
    problems = all_problems(),
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
