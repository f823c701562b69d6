-- Keeps a connection: if it is lost it is opened again, with growing pauses.

local core = require("guestlua.core")

local FIRST_PAUSE, LONGEST_PAUSE = 0.2, 30 -- seconds

-- Tries until it is open; a new one may be lost at once. Raises "closed" when the host is closed.
local function again(host, events)
  local lost_at, pause = core.now(), FIRST_PAUSE
  while not host:is_alive() do
    local ok, e = pcall(host.reconnect, host, { gap = core.now() - lost_at })
    if not ok and (e.kind == "closed" or e.kind == "cancelled" or e.kind == "interrupted") then
      error(e, 0)
    elseif not ok then
      events:next(pause) -- closing the host ends this
      pause = math.min(pause * 2, LONGEST_PAUSE)
    end
  end
end

return function(host)
  local events = host:subscribe("disconnected")
  core.spawn(function()
    local ok, e = pcall(function()
      while true do
        again(host, events)
        events:next()
      end
    end)
    if not ok and e.kind ~= "closed" then
      error(e, 0)
    end
  end)
end
