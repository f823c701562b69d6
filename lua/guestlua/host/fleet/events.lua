-- The events of all hosts of a Fleet, as one stream.

local core = require("guestlua.core")
local define = require("guestlua.base.define")
local Fleet = require("guestlua.host.fleet.class")
local task = require("guestlua.task.group")

local function close_all(list)
  for _, one in ipairs(list) do
    one.subscription:close()
  end
end

-- The end of a loop.
local loop = {
  __close = function(this, e)
    close_all(this.list) -- the task of one that has not begun would leave it open
    this.group:__close(e)
  end,
}

-- Subscribes at each host that is connected: a list of { entry, subscription }. If that fails at one, it is done at none.
local function subscribe(fleet, names)
  local list = {}
  for _, entry in ipairs(fleet.hosts) do
    if entry.host then
      local ok, result = pcall(entry.host.subscribe, entry.host, names)
      if not ok then
        close_all(list)
        error(result, 0)
      end
      list[#list + 1] = { entry = entry, subscription = result }
    end
  end
  return list
end

-- A pump has ended, and with an error it ends all of them: their group cancels the others, some of which may not have begun.
local function ended(this, e)
  local queue = this.queue
  queue.open = e == nil and queue.open - 1 or 0
  queue.full:wake()
end

-- Hands each event of a host over, one at a time: what is not fetched waits in its subscription, which says itself what it had to drop.
local function pump(queue, entry, subscription)
  local guard <close> = setmetatable({ queue = queue }, { __close = ended }) -- luacheck: ignore guard
  while true do
    local ok, event = pcall(subscription.next, subscription)
    if not ok and core.Error.is(event, "closed") then
      return
    elseif not ok then
      error(event, 0)
    end
    while queue.event do
      queue.empty:wait()
    end
    event.host_name = entry.name
    queue.event = event
    queue.full:wake()
  end
end

-- The next event; nil if the time is over, or no host is left that could have one.
local function next_event(queue)
  local left = queue.deadline - core.now()
  while not queue.event and left > 0 and queue.open > 0 do
    if queue.deadline == math.huge then
      queue.full:wait()
    else
      queue.full:wait({ timeout = left })
    end
    left = queue.deadline - core.now()
  end
  local event = queue.event
  queue.event = nil
  queue.empty:wake(1)
  return event
end

define(Fleet, "Fleet", {
  name = "events",
  method = true,
  help = "For a loop: for event in fleet:events{\"lifecycle\"} do. Each event has host_name; else it is as host:events has it. \"disconnected\" and "
    .. "\"reconnected\" are events, too. Hosts that are not connected at this call are not heard. The loop ends when all that are heard are closed.",
  result = "fun(): table",
  returns = "an iterator",
  params = {
    { name = "names", type = "list of strings", positional = true, required = true, help = "the events' names" },
    { name = "duration", type = "number", help = "seconds for the whole loop; nil: until it is left" },
  },
  run = function(fleet, names, options)
    local list, group = subscribe(fleet, names), task.group()
    local queue = { full = core.signal(), empty = core.signal(), open = #list,
      deadline = options.duration and core.now() + options.duration or math.huge }
    for _, one in ipairs(list) do
      group:spawn(pump, queue, one.entry, one.subscription)
    end
    return function()
      return next_event(queue)
    end, nil, nil, setmetatable({ list = list, group = group }, loop)
  end,
})
