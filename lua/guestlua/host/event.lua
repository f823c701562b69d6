-- Convenient events, over Subscription: an iterator, a handler, a wait.

local core = require("guestlua.core")
local define = require("guestlua.base.define")
local stops = require("guestlua.base.stops")

local event = {}

-- object:subscribe for one of these methods, which errors about bad names then mention.
local function subscribe(object, names, method, options)
  local ok, result = pcall(object.subscribe, object, names, options.qemu_event and { qemu_event = options.qemu_event })
  if ok then
    return result
  elseif result.kind == "bad_argument" then
    define.bad(method, result.argument == "events" and "names" or result.argument, result.message:match("%((.*)%)$"))
  end
  error(result, 0)
end

-- The names of events("name", {…}), events({"name", …}, {…}) and events{"name", …, timeout=…}, and its options: what is in the tables, and not what
-- metatables say.
local function names_and_options(names, options)
  if type(names) == "string" then
    return { names }, options
  end
  local list, all = {}, {}
  for key, value in next, options do
    all[key] = value
  end
  for key, value in next, names do
    if math.type(key) == "integer" then
      list[key] = value
    else
      all[key] = value
    end
  end
  return list, all
end

local function is_of(names, found)
  if type(names) == "string" then
    return found.event == names
  end
  for _, name in ipairs(names) do
    if found.event == name then
      return true
    end
  end
  return false
end

-- For a message: 'lifecycle', or 'lifecycle' or 'reboot'.
local function listed(names)
  return "'" .. (type(names) == "string" and names or table.concat(names, "' or '")) .. "'"
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

local NAMES = { name = "names", type = "string or table", positional = true, required = true, choices_of = "subscribe",
  help = "an event's name, or a list of them" }
local MATCH = { name = "match", type = "function", help = "called with each such event: returns whether it counts; default: all do" }
local QEMU_EVENT = { name = "qemu_event", type = "string",
  help = "of \"qemu_monitor\" only events that QEMU calls so, as \"RESET\"; default: all" }

-- The options that the loop of events may get in its table of names.
local IN_NAMES = { match = MATCH, qemu_event = QEMU_EVENT, timeout = { name = "timeout", type = "number" } }

local events = {
  name = "events",
  method = true,
  help = "For a loop: for event in object:events({name, another}, {timeout=60}) do. Receives the named events from this call on, "
    .. "until the loop is left or the time is over. Events dropped because nobody fetched them are reported as an event \"lost\" with their count. "
    .. "Names and options may stand in one table: object:events{name, another, timeout=60}.",
  result = "fun(): table",
  returns = "an iterator",
  params = { NAMES, MATCH, { name = "timeout", type = "number", help = "seconds for the whole loop; default: no limit" } },
  run = function(object, given, given_options)
    local names, options = names_and_options(given, given_options)
    for key, value in next, options do
      if not IN_NAMES[key] then
        define.bad("events", define.name_of(key), "no such option; the options are: match, qemu_event, timeout")
      end
      define.check("events", IN_NAMES[key], value)
    end
    local subscription, deadline = subscribe(object, names, "events", options), deadline_of(options)
    return function()
      local found
      repeat
        found = next_of(subscription, deadline)
      until not found or found.event == "lost" or not options.match or options.match(found)
      return found
    end, nil, nil, subscription
  end,
}

-- An Error already says where it comes from.
local function traceback(e)
  return type(e) == "string" and debug.traceback(core.printable(e, "indent"), 2) or e
end

local function report(names, e)
  io.stderr:write(("guestlua: the handler of event %s failed: %s\n"):format(listed(names), core.printable(tostring(e), "keep")))
end

-- ---- handlers ----

local handlers = { count = 0, failure = nil, over = core.signal() } -- over: wakes when one has ended

-- Passes each event to fn, until the subscription is closed or the time is over.
local function each_event(subscription, names, fn, options)
  local closing <close>, deadline = subscription, deadline_of(options) -- luacheck: ignore closing
  while true do
    local ok, got = pcall(next_of, subscription, deadline)
    if not ok and got.kind == "closed" or ok and not got then
      return
    elseif not ok then
      error(got, 0)
    end
    local fine, e = xpcall(function()
      if got.event == "lost" or not options.match or options.match(got) then
        fn(got)
      end
    end, traceback)
    if not fine and stops(e) then
      error(e, 0)
    elseif not fine then
      report(names, e)
    end
  end
end

local function handle(...)
  local ok, e = pcall(each_event, ...)
  handlers.count, handlers.failure = handlers.count - 1, handlers.failure or not ok and e or nil -- the first: serve raises it
  handlers.over:wake()
  if not ok then
    error(e, 0)
  end
end

-- The number of handlers.
function event.handlers()
  return handlers.count
end

local function raise_failure()
  local e = handlers.failure
  handlers.failure = nil
  if e then
    error(e, 0)
  end
end

local on = {
  name = "on",
  method = true,
  help = "Calls fn(event) for each such event from now on, one after the other, in its own task. An error in fn is written to standard error, "
    .. "and the next event is still handled. The script still ends with its last line, and its handlers with it; guestlua.serve() "
    .. "keeps it running for them.",
  result = "Subscription",
  returns = "a Subscription: its close() ends it, and so does closing the connection",
  params = {
    NAMES,
    { name = "fn", type = "function", positional = true, required = true, help = "called with each event" },
    MATCH,
    { name = "timeout", type = "number", help = "seconds after which no more events are handled; default: no limit" },
  },
  run = function(object, names, fn, options)
    local subscription = subscribe(object, names, "on", options)
    handlers.count = handlers.count + 1 -- now, as the task begins later
    core.spawn(handle, subscription, names, fn, options)
    return subscription
  end,
}

-- The fields of an error that say what it is about.
local SUBJECT = {
  Host = function() return {} end,
  Guest = function(guest) return { guest = guest.name } end,
  Network = function(network) return { object = network.name, object_type = "network" } end,
  StoragePool = function(pool) return { object = pool.name, object_type = "pool" } end,
  NodeDevice = function(device) return { object = device.name, object_type = "node device" } end,
  Secret = function(secret) return { object = secret.uuid, object_type = "secret" } end,
}

-- Waits on an open subscription for an event of one of the names that matches.
local function wait_on(subscription, names, subject, options)
  local deadline = deadline_of(options)
  while true do
    local found = next_of(subscription, deadline)
    if not found then
      subject.kind, subject.op = "timeout", "wait_event"
      subject.message = ("no event %s within %g s"):format(listed(names), options.timeout)
      error(core.Error.new(subject), 0)
    elseif is_of(names, found) and (not options.match or options.match(found)) then
      return found
    end
  end
end

local wait_event = {
  name = "wait_event",
  method = true,
  help = "Waits for an event of one of the names. If a call causes the event, subscribe before the call and wait on the Subscription instead: "
    .. "an earlier event is missed.",
  result = "table",
  returns = "the event; an error of kind \"timeout\" if none came in time",
  params = { NAMES, MATCH, { name = "timeout", type = "number", help = "seconds to wait at most; default: no limit" } },
}

define(event, "guestlua", {
  name = "serve",
  help = "Waits for the handlers of on() until none is left, because they were closed, their connections were closed or their time is over. "
    .. "This keeps a script running past its last line. A signal that stops the script (Ctrl-C, SIGTERM) ends it like any wait, "
    .. "with an error of kind \"interrupted\". If a connection is lost and not opened again (option reconnect of open), its error is raised.",
  params = { { name = "timeout", type = "number", help = "seconds after which it returns anyway; default: no limit" } },
  result = "boolean",
  returns = "true; false if the time was over while handlers were left",
  run = function(options)
    local deadline = deadline_of(options)
    core.sleep(0) -- handlers that were just made begin, those that were just closed end
    raise_failure()
    while handlers.count > 0 do
      local left = deadline - core.now()
      if left <= 0 then
        return false
      end
      handlers.over:wait(left < math.huge and { timeout = left } or nil)
      raise_failure()
    end
    return true
  end,
})

local function copy_of(t)
  local copy = {}
  for key, value in pairs(t) do
    copy[key] = value
  end
  return copy
end

for owner, subject in pairs(SUBJECT) do
  for _, row in ipairs({ events, on, wait_event }) do
    local copy = copy_of(row)
    copy.params = copy_of(row.params)
    copy.params[1] = copy_of(NAMES) -- which help gives the choices that this class has
    if owner == "Host" or owner == "Guest" then
      table.insert(copy.params, QEMU_EVENT)
    end
    copy.run = row.run or function(object, names, options)
      local subscription <close> = subscribe(object, names, row.name, options)
      return wait_on(subscription, names, subject(object), options)
    end
    define(core[owner], owner, copy)
  end
end

return event
