-- What the methods of a Fleet have in common: places that few can have at a time, and questions to all hosts.

local core = require("guestlua.core")
local task = require("guestlua.task.group")

local ask = { stops = require("guestlua.base.stops") }

-- Seconds that a host has for an answer.
ask.ANSWER = 30

-- At most `limit` at a time.
function ask.slots(limit)
  return { limit = limit, taken = 0, free = core.signal() }
end

local function give_back(self)
  self.slots.taken = self.slots.taken - 1
  self.slots.free:wake(1)
end

local TAKEN = { __close = give_back }

-- Waits for a place, and gives a to-be-closed value that gives it back.
function ask.take(from)
  while from.taken >= from.limit do
    local ok, e = pcall(from.free.wait, from.free)
    if not ok then
      from.free:wake(1) -- it may have been its turn
      error(e, 0)
    end
  end
  from.taken = from.taken + 1
  return setmetatable({ slots = from }, TAKEN)
end

-- Raises what is wrong with the arguments, which is no host's failure. answers: of a call that gets them as they were given.
function ask.check(fleet, answers)
  for i, answer in ipairs(answers) do
    if fleet.hosts[i].host and core.Error.is(answer.error, "bad_argument") then
      error(answer.error, 0)
    end
  end
  return answers
end

-- Calls fn(entry) for each host, beside each other, each for that long at most, if there is a limit; gives what each came to: { ok, value, error }.
function ask.all(fleet, seconds, fn, limit)
  return task.map(fleet.hosts, function(entry)
    local ok, value
    if entry.host and seconds then
      ok, value = pcall(task.timeout, seconds, fn, entry)
    elseif entry.host then
      ok, value = pcall(fn, entry)
    else
      value = entry.error
    end
    if not ok and ask.stops(value) then
      error(value, 0)
    end
    return { ok = ok or false, [ok and "value" or "error"] = value } -- which may be false
  end, { limit = limit })
end

-- The problems in what ask.all gave: { name, error }.
function ask.problems(fleet, answers)
  local problems = table.move(fleet.bad, 1, #fleet.bad, 1, {})
  for i, answer in ipairs(answers) do
    problems[#problems + 1] = not answer.ok and { name = fleet.hosts[i].name, error = answer.error } or nil
  end
  return problems
end

-- Options that several methods have.
ask.HOW_LONG = { name = "host_timeout", type = "number", help = "seconds that each host has for its answer; default: 30" }
ask.WHICH = { name = "which", type = "table", help = "which guests, as host:guests takes it: {active = true}" }

return ask
