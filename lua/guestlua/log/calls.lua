-- Reports of calls (src/call/watch.c): the log's level trace, and the dry run.

local core = require("guestlua.core")
local define = require("guestlua.base.define")
local log = require("guestlua.log.log")
local plan = require("guestlua.log.plan")
local record = require("guestlua.log.record")

local calls = {}

local function ordered(list, inline)
  local fields, order = {}, {}
  for i = 1, #list, 2 do
    order[#order + 1] = list[i]
    fields[list[i]] = list[i + 1]
  end
  return setmetatable(fields, { __jsonorder = order, inline = inline })
end

local ORDER = { "op", "host", "object_type", "object", "guest", "device", "workflow", "step", "arguments", "result", "error", "reason",
  "still_running", "duration_ms" }

local function fields_of(call)
  return setmetatable({
    op = call.op,
    host = not call.guest and call.host or nil,
    object_type = call.object_type,
    object = call.object,
    guest = call.guest,
    device = call.device,
    arguments = #call.arguments > 0 and ordered(call.arguments, true) or nil,
    result = call.result,
    error = call.kind,
    reason = call.message,
    still_running = call.still_running,
    duration_ms = call.duration_ms,
  }, { __jsonorder = ORDER })
end

-- The outcomes of jobs that a dry run did not start: by host, guest and disk, for await_job.
local outcomes = {}

local function key_of(...)
  return table.concat({ ... }, "\0")
end

local function remember(call)
  local flags = {}
  for i = 1, #call.arguments, 2 do
    if call.arguments[i] == "flags" then
      for name in call.arguments[i + 1]:gmatch("[^|]+") do
        flags[name] = true
      end
    end
  end
  local key = key_of(call.host, call.guest, call.device)
  if call.op == "copy" or call.op == "rebase" and flags.copy or call.op == "commit" and flags.active then
    outcomes[key] = "ready"
  elseif call.op == "rebase" or call.op == "commit" then
    outcomes[key] = "completed"
  elseif call.op == "abort_job" and outcomes[key] then
    outcomes[key] = flags.pivot and "completed" or "canceled"
  end
end

-- await_job's result for a job that a dry run did not start; nil if there is none.
function calls.outcome(disk)
  local guest = disk.guest.name
  local key = key_of(core.mask(disk.guest.host.uri), guest, disk.name)
  local outcome = outcomes[key]
  if not core.dry_run() or not outcome then
    return nil
  elseif outcome ~= "ready" then
    outcomes[key] = nil
  end
  log.emit("info", "dry run: await_job", { guest = guest, device = disk.name, result = outcome })
  plan.waits(disk.guest, ("the job of %s: %s"):format(disk.name, outcome))
  return outcome
end

-- The devices that a dry run did not attach or detach, in order, by host and guest, for a later look at the guest's devices.
local changed_devices = {}

local DEVICE_OPS = { attach_device = "attached", detach_device = "detached" }

local function remember_device(call)
  local arguments = { flags = "" }
  for i = 1, #call.arguments, 2 do
    arguments[call.arguments[i]] = call.arguments[i + 1]
  end
  local function has(flag)
    return arguments.flags:find(flag, 1, true) ~= nil
  end
  local key = key_of(call.host, call.guest)
  changed_devices[key] = changed_devices[key] or {}
  table.insert(changed_devices[key], { what = DEVICE_OPS[call.op], conf = arguments.conf or arguments.xml, live = has("live"),
    persistent = has("persistent") or has("config") }) -- the names of Guest's, or of Domain's
end

-- A list of { what = "attached" or "detached", conf, live, persistent }; neither of the last two: where the guest is now.
function calls.devices(guest)
  return changed_devices[key_of(core.mask(guest.host.uri), guest.name)] or {}
end

-- Reports an action, not a libvirt call, that a dry run does not take on a guest: `what` is its name, fields are its details.
function calls.held(what, guest, fields)
  local names = {}
  for name in pairs(fields) do
    names[#names + 1] = name
  end
  table.sort(names)
  local arguments = {}
  for i, name in ipairs(names) do
    arguments[2 * i - 1], arguments[2 * i] = name, fields[name]
  end
  local entry = plan.add({ call = what, host = core.mask(guest.host.uri), guest = guest.name, arguments = ordered(arguments, true) })
  log.emit("info", "dry run: " .. what, setmetatable({ guest = entry.guest, workflow = entry.workflow, step = entry.step,
    arguments = entry.arguments }, { __jsonorder = ORDER }))
end

-- Reports an action, not a libvirt call, that was taken on a guest; arguments as for calls.held. guest: { name, host }.
function calls.did(what, guest, fields)
  if record.is_on() then
    record.add({ call = what, host = core.mask(guest.host.uri), guest = guest.name, arguments = fields, outcome = "done" })
  end
end

-- Reports a wait that a dry run leaves out.
function calls.waits(guest, what)
  plan.waits(guest, what)
  log.emit("info", "dry run: wait", { guest = guest.name, what = what })
end

-- What the core says of a call: see core.on_call. The module guestlua passes it on.
function calls.report(what, call)
  if what == "changed" then
    record.call(call, fields_of(call))
    return
  elseif what == "over" then
    log.emit("trace", call.call, fields_of(call))
    return
  end
  if call.device then
    remember(call)
  elseif DEVICE_OPS[call.op] then
    remember_device(call)
  end
  local fields = fields_of(call)
  local entry = plan.add({ call = call.call, op = call.op, host = call.host, object_type = call.object_type, object = call.object,
    guest = call.guest, device = call.device, arguments = fields.arguments, refused = call.refused or nil })
  fields.workflow, fields.step, fields.arguments = entry.workflow, entry.step, plan.brief(entry.arguments)
  log.emit("info", "dry run: " .. (entry.refused and call.call .. " (refused)" or call.call), fields)
end

define(calls, "guestlua", {
  name = "dry_run",
  help = "dry_run(true): from now on calls that change something are written to the log and not made. A call with success as its only result "
    .. "reports success; any other raises an error of kind \"dry_run\". New connections are read-only. It cannot be switched "
    .. "off. The command's --dry-run.",
  result = "boolean",
  returns = "whether this is a dry run",
  params = { { name = "on", type = "boolean", positional = true, help = "true; nil: only ask" } },
  run = function(on)
    return core.dry_run(on or nil)
  end,
})

return calls
