-- Keeps a connection: where it is lost it is opened again, with pauses that grow.

local core = require("guestlua.core")

local FIRST_PAUSE, LONGEST_PAUSE = 0.2, 30 -- seconds

local function again(host, lost_at)
  local pause = FIRST_PAUSE
  while true do
    local ok, e = pcall(host.reconnect, host, { gap = core.now() - lost_at })
    if ok or e.kind == "closed" or e.kind == "bad_argument" then
      return
    elseif e.kind == "cancelled" or e.kind == "interrupted" then
      error(e, 0)
    end
    core.sleep(pause)
    pause = math.min(pause * 2, LONGEST_PAUSE)
  end
end

return function(host)
  local events = host:subscribe("disconnected")
  core.spawn(function()
    while true do
      local ok, event = pcall(events.next, events)
      if not ok and event.kind == "closed" then
        return -- the host is closed
      elseif not ok then
        error(event, 0)
      elseif event.event == "disconnected" then
        again(host, core.now())
      end
    end
  end)
end
