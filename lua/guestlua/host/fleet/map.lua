-- What is done to each guest, or on each host, of a Fleet.

local core = require("guestlua.core")
local ask = require("guestlua.host.fleet.ask")
local define = require("guestlua.base.define")
local Fleet = require("guestlua.host.fleet.class")
local task = require("guestlua.task.group")

-- Calls fn for one guest, when the whole and its host have a place for it; gives a row of the results.
local function call_one(state, entry, guest, fn)
  local of_host <close> = ask.take(entry.slots) -- luacheck: ignore of_host
  local of_all <close> = ask.take(state.slots) -- luacheck: ignore of_all
  local row = { host = entry.name, guest = guest.name }
  if state.max_failures and state.failures > state.max_failures then
    row.ok, row.skipped = false, true
    row.error = core.Error.new({ kind = "skipped", guest = row.guest, op = "map", message = "not begun: too many have failed" })
    return row
  end
  local ok, value = pcall(fn, guest, entry.name)
  if not ok and ask.stops(value) then
    error(value, 0)
  elseif not ok then
    state.failures = state.failures + 1
  end
  row.ok, row[ok and "value" or "error"] = ok, value
  return row
end

define(Fleet, "Fleet", {
  name = "map",
  method = true,
  help = "Calls fn(guest, host_name) for each guest of all hosts, in tasks. A call that fails ends no other.",
  result = "table[]",
  fields = {
    { name = "host", type = "string", help = "the host's name" },
    { name = "guest", type = "string?", help = "the guest's name; nil: the host did not answer, or is none" },
    { name = "ok", type = "boolean", help = "whether the call succeeded" },
    { name = "value", type = "any", help = "what it returned first" },
    { name = "error", type = "any", help = "what it raised" },
    { name = "skipped", type = "true?", help = "it was not begun, because too many had failed" },
  },
  params = {
    { name = "fn", type = "function", positional = true, required = true, help = "called with each guest and its host's name" },
    { name = "limit", type = "integer", least = 1, help = "how many calls may run at a time; default: 32" },
    { name = "per_host", type = "integer", least = 1, help = "how many on one host; default: 2" },
    { name = "max_failures", type = "integer", help = "begin nothing more when more than that have failed; nil: go on" },
    ask.WHICH,
    ask.HOW_LONG,
  },
  run = function(fleet, fn, options)
    local state = { slots = ask.slots(options.limit or 32), failures = 0, max_failures = options.max_failures }
    local per_host = options.per_host or 2
    local answers = ask.check(fleet, ask.all(fleet, options.host_timeout or ask.ANSWER, function(entry)
      return entry.host:guests(options.which)
    end))
    local results, work = {}, {}
    for _, one in ipairs(ask.problems(fleet, answers)) do
      results[#results + 1] = { host = one.name, ok = false, error = one.error }
    end
    for i, answer in ipairs(answers) do
      local entry = { name = fleet.hosts[i].name, slots = ask.slots(per_host) }
      for _, guest in ipairs(answer.value or {}) do
        work[#work + 1] = { entry, guest }
      end
    end
    local rows = task.map(work, function(one)
      return call_one(state, one[1], one[2], fn)
    end)
    return table.move(rows, 1, #rows, #results + 1, results)
  end,
})

define(Fleet, "Fleet", {
  name = "each",
  method = true,
  help = "Calls fn(host, host_name) for each host, in tasks. A call that fails ends no other.",
  result = "table[]",
  fields = {
    { name = "host", type = "string", help = "the host's name" },
    { name = "ok", type = "boolean", help = "whether the call succeeded" },
    { name = "value", type = "any", help = "what it returned first" },
    { name = "error", type = "any", help = "what it raised, or why the host is not connected" },
  },
  params = {
    { name = "fn", type = "function", positional = true, required = true, help = "called with each Host and its name" },
    { name = "limit", type = "integer", least = 1, help = "how many calls may run at a time; nil: all" },
    { name = "host_timeout", type = "number", help = "seconds that each call has; nil: no limit" },
  },
  run = function(fleet, fn, options)
    local answers = ask.all(fleet, options.host_timeout, function(entry)
      return fn(entry.host, entry.name)
    end, options.limit)
    local results = {}
    for _, one in ipairs(fleet.bad) do
      results[#results + 1] = { host = one.name, ok = false, error = one.error }
    end
    for i, answer in ipairs(answers) do
      results[#results + 1] = { host = fleet.hosts[i].name, ok = answer.ok, value = answer.value, error = answer.error }
    end
    return results
  end,
})
