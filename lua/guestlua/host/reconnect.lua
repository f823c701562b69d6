-- Keeps a connection: if it is lost it is opened again, with growing pauses.

local core = require("guestlua.core")

local FIRST_PAUSE, LONGEST_PAUSE = 0.2, 30 -- seconds
local ATTEMPT = 30 -- seconds, as open has: a host that takes a connection and says nothing is tried again

-- One attempt, when it is its turn.
local function attempt(host, lost_at, turn)
  local taken <close> = turn and turn() or nil -- luacheck: ignore taken
  return pcall(host.reconnect, host, { gap = core.now() - lost_at, timeout = ATTEMPT })
end

-- Tries until it is open; a new one may be lost at once. Raises "closed" when the host is closed.
local function again(host, events, turn)
  local lost_at, pause = core.now(), FIRST_PAUSE
  while not host:is_alive() do
    if turn then
      events:next(math.random() * pause) -- many that are lost at once do not come back at once
    end
    local ok, e = attempt(host, lost_at, turn)
    if not ok and (e.kind == "closed" or e.kind == "cancelled" or e.kind == "interrupted") then
      error(e, 0)
    elseif not ok then
      events:next(pause) -- closing the host ends this
      pause = math.min(pause * 2, LONGEST_PAUSE)
    end
  end
end

-- turn: waits until an attempt may be made, and gives a to-be-closed value that ends it; nil: at any time.
return function(host, turn)
  local events = host:subscribe("disconnected")
  core.spawn(function()
    local ok, e = pcall(function()
      while true do
        again(host, events, turn)
        events:next()
      end
    end)
    if not ok and e.kind ~= "closed" then
      error(e, 0)
    end
  end)
end
