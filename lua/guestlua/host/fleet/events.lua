-- The events of all hosts of a Fleet, as one stream.

local core = require("guestlua.core")
local define = require("guestlua.base.define")
local Fleet = require("guestlua.host.fleet.class")
local task = require("guestlua.task.group")

-- Hands each event of a host over, one at a time: what is not fetched waits in its subscription, which says itself what it had to drop.
local function pump(queue, entry, subscription)
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

local function next_event(queue)
  local left = queue.deadline - core.now()
  while not queue.event and left > 0 do
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
    .. "\"reconnected\" are events, too. Hosts that are not connected at this call are not heard.",
  result = "fun(): table",
  returns = "an iterator",
  params = {
    { name = "names", type = "list of strings", positional = true, required = true, help = "the events' names" },
    { name = "duration", type = "number", help = "seconds for the whole loop; nil: until it is left" },
  },
  run = function(fleet, names, options)
    local queue = { full = core.signal(), empty = core.signal(), deadline = options.duration and core.now() + options.duration or math.huge }
    local group = task.group()
    for _, entry in ipairs(fleet.hosts) do
      if entry.host then
        local subscription = entry.host:subscribe(names)
        group:spawn(function()
          local open <close> = subscription
          pump(queue, entry, open)
        end)
      end
    end
    return function()
      return next_event(queue)
    end, nil, nil, group
  end,
})
