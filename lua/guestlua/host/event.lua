-- Events as people use them, over Subscription: an iterator, a handler, a wait.

local core = require("guestlua.core")
local define = require("guestlua.base.define")

local event = {}

-- object:subscribe for a method of ours, which bad names are told of.
local function subscribe(object, names, method, argument)
  local ok, result = pcall(object.subscribe, object, names)
  if ok then
    return result
  elseif result.kind == "bad_argument" then
    define.bad(method, argument, result.message:match("%((.*)%)$"))
  end
  error(result, 0)
end

-- The names in options[1…], which are taken out; the rest are the options.
local function names_of(options)
  local names, rest = {}, {}
  for key, value in pairs(options) do
    if math.type(key) == "integer" then
      names[key] = value
    else
      rest[key] = value
    end
  end
  return names, rest
end

local function deadline_of(options)
  return options.timeout and core.now() + options.timeout or math.huge
end

local function next_of(subscription, deadline)
  if deadline == math.huge then
    return subscription:next()
  end
  return subscription:next(math.max(deadline - core.now(), 0))
end

local events = {
  name = "events",
  method = true,
  help = "For a loop: for event in object:events{\"lifecycle\", \"block_job_2\", timeout=60} do. Hears of the named events from this call on, until "
    .. "the loop is left or the time is over. What is dropped because nobody fetched it is told as an event \"lost\" with its count.",
  result = "fun(): table",
  returns = "an iterator",
  params = {
    { name = "names", type = "table", positional = true, required = true, choices_of = "subscribe",
      help = "the events' names, and the option timeout: seconds for the whole loop" },
  },
  run = function(object, options)
    local names, rest = names_of(options)
    for key in pairs(rest) do
      if key ~= "timeout" then
        define.bad("events", tostring(key), "no such option; the options are: timeout")
      end
    end
    define.check("events", { name = "timeout", type = "number" }, rest.timeout)
    if not next(names) then
      define.bad("events", "names", "name at least one event")
    end
    local subscription, deadline = subscribe(object, names, "events", "names"), deadline_of(rest)
    return function()
      return next_of(subscription, deadline)
    end, nil, nil, subscription
  end,
}

-- An Error says by itself where it comes from.
local function traceback(e)
  return type(e) == "string" and debug.traceback(core.printable(e, "indent"), 2) or e
end

local function report(name, e)
  io.stderr:write(("guestlua: the handler of event '%s' failed: %s\n"):format(name, core.printable(tostring(e), "keep")))
end

local on = {
  name = "on",
  method = true,
  help = "Calls fn(event) for each such event from now on, one after the other, in a task of its own. An error in fn is written to standard error, "
    .. "and the next event is handled all the same.",
  result = "Subscription",
  returns = "a Subscription: its close() ends it, and so does closing the connection",
  params = {
    { name = "name", type = "string", positional = true, required = true, choices_of = "subscribe", help = "the event's name" },
    { name = "fn", type = "function", positional = true, required = true, help = "called with each event" },
  },
  run = function(object, name, fn)
    local subscription = subscribe(object, name, "on", "name")
    core.spawn(function()
      while true do
        local ok, got = pcall(subscription.next, subscription)
        if not ok and got.kind == "closed" then
          return
        elseif not ok then
          error(got, 0)
        end
        local fine, e = xpcall(fn, traceback, got)
        if not fine and (core.Error.is(e, "cancelled") or core.Error.is(e, "interrupted")) then
          error(e, 0)
        elseif not fine then
          report(name, e)
        end
      end
    end)
    return subscription
  end,
}

-- A Host has no name.
local function name_of(object)
  local known, name = pcall(function()
    return object.name
  end)
  return known and name or nil
end

-- Waits on an open subscription for an event that matches.
function event.wait_on(subscription, name, object, options)
  local deadline = deadline_of(options)
  while true do
    local found = next_of(subscription, deadline)
    if not found then
      error(core.Error.new({
        kind = "timeout",
        op = "wait_event",
        guest = name_of(object),
        message = ("no event '%s' within %g s"):format(name, options.timeout),
      }), 0)
    elseif found.event == name and (not options.match or options.match(found)) then
      return found
    end
  end
end

local wait_event = {
  name = "wait_event",
  method = true,
  help = "Waits for an event of that name. Where a call causes the event, subscribe before it and wait on the Subscription instead: "
    .. "an event that came before is missed.",
  result = "table",
  returns = "the event; an error of kind \"timeout\" where none came in time",
  params = {
    { name = "name", type = "string", positional = true, required = true, choices_of = "subscribe", help = "the event's name" },
    { name = "match", type = "function", help = "called with each such event: whether it is the one" },
    { name = "timeout", type = "number", help = "seconds to wait at most" },
  },
  run = function(object, name, options)
    local subscription <close> = subscribe(object, name, "wait_event", "name")
    return event.wait_on(subscription, name, object, options)
  end,
}

for owner, class in pairs({ Host = core.Host, Guest = core.Guest }) do
  for _, row in ipairs({ events, on, wait_event }) do
    local copy = {}
    for key, value in pairs(row) do
      copy[key] = value
    end
    define(class, owner, copy)
  end
end

return event
