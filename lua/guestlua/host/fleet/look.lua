-- What all hosts of a Fleet are asked.

local core = require("guestlua.core")
local ask = require("guestlua.host.fleet.ask")
local define = require("guestlua.base.define")
local Fleet = require("guestlua.host.fleet.class")

define(Fleet, "Fleet", {
  name = "guests",
  method = true,
  help = "Lists the guests of all hosts, which are asked beside each other.",
  result = { "Guest[]", "table[] problems" },
  returns = "the guests, host by host, and what is missing: a list of name and error of the hosts that did not answer",
  params = { ask.WHICH, ask.HOW_LONG },
  run = function(fleet, options)
    local answers = ask.check(fleet, ask.all(fleet, options.host_timeout or ask.ANSWER, function(entry)
      return entry.host:guests(options.which)
    end))
    local guests = {}
    for _, answer in ipairs(answers) do
      table.move(answer.value or {}, 1, #(answer.value or {}), #guests + 1, guests)
    end
    return guests, ask.problems(fleet, answers)
  end,
})

define(Fleet, "Fleet", {
  name = "stats",
  method = true,
  help = "The statistics of all guests of all hosts: host:stats of each, beside each other.",
  result = { "table", "table[] problems" },
  returns = "a table from a host's name to what its host:stats gave, and what is missing, as fleet:guests has it",
  params = {
    { name = "groups", type = "any", help = "what is asked for, as host:stats takes it" },
    { name = "active", type = "boolean", help = "only guests that run, or only those that do not" },
    ask.HOW_LONG,
  },
  run = function(fleet, options)
    local answers = ask.check(fleet, ask.all(fleet, options.host_timeout or ask.ANSWER, function(entry)
      return entry.host:stats({ groups = options.groups, active = options.active, nowait = true })
    end))
    local stats = {}
    for i, answer in ipairs(answers) do
      stats[fleet.hosts[i].name] = answer.value
    end
    return stats, ask.problems(fleet, answers)
  end,
})

-- The one of several that runs; nil: none does, or more than one.
local function running_one(found)
  local active
  for _, one in ipairs(found) do
    if one.active then
      if active then
        return nil
      end
      active = one
    end
  end
  return active
end

local function fail(kind, name, message, hint)
  error(core.Error.new({ kind = kind, op = "guest", guest = name, message = message, hint = hint }), 0)
end

define(Fleet, "Fleet", {
  name = "guest",
  method = true,
  help = "Looks a guest up by its name or UUID, on all hosts: of several that know it, as after a migration, it is the one on which it runs. An "
    .. "error of kind \"ambiguous\" if it runs on several, or is defined on several and runs on none; of kind \"unreachable\" if none has it and not "
    .. "all answered.",
  result = { "Guest?", "string? host" },
  returns = "the Guest and the name of its host, or nil if no host has it",
  params = { { name = "name_or_uuid", type = "string", positional = true, required = true, help = "the guest's name or UUID" }, ask.HOW_LONG },
  run = function(fleet, name, options)
    local answers = ask.all(fleet, options.host_timeout or ask.ANSWER, function(entry)
      local guest = entry.host:guest(name)
      return guest and { guest = guest, host = entry.name, active = guest:is_active() } or false
    end)
    local found, silent = {}, {}
    for i, answer in ipairs(answers) do
      found[#found + 1] = answer.value or nil
      silent[#silent + 1] = not answer.ok and fleet.hosts[i].name or nil
    end
    local one = running_one(found) or #found == 1 and found[1]
    if one then
      return one.guest, one.host
    elseif #found > 1 then
      local names = {}
      for i, other in ipairs(found) do
        names[i] = other.host
      end
      fail("ambiguous", name, ("several hosts have a guest '%s': %s"):format(name, table.concat(names, ", ")))
    elseif #silent > 0 then
      fail("unreachable", name, ("no host that answered has a guest '%s'; no answer from: %s"):format(name, table.concat(silent, ", ")),
        "fleet.problems says why")
    end
    return nil, nil
  end,
})
