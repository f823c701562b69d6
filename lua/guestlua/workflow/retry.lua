-- Calls that have to succeed are tried again: a lost connection is opened again, and if nobody answers there is a limit.

local core = require("guestlua.core")

local retry = { stops = require("guestlua.base.stops"), try = require("guestlua.base.try") }

-- Seconds and tries. A call of an undo without an answer is given up after EACH.
local FOR, PAUSE, TRIES, EACH = 20, 0.5, 3, 8

-- Calls fn(…), which can be called again, until it succeeds: a lost connection is opened again, until the deadline; over a working connection
-- there are three tries. object: the Guest, or { host = … }.
function retry.insist(object, deadline, fn, ...)
  local host, failed = object.host, 0
  deadline = deadline or core.now() + FOR
  while true do
    local results = table.pack(retry.try(core.within, 0, EACH, fn, ...))
    local e = results[2]
    if results[1] then
      return table.unpack(results, 2, results.n)
    end
    local known, alive = retry.try(host.is_alive, host, { timeout = EACH })
    if known and alive then
      failed = failed + 1
    elseif core.now() < deadline then
      retry.try(host.reconnect, host, { timeout = retry.time_for_one(deadline) })
    end
    if failed >= TRIES or core.now() >= deadline or core.Error.is(e, "closed") then
      error(e, 0)
    end
    core.sleep(PAUSE)
  end
end

-- The deadline of an operation that begins now.
function retry.deadline()
  return core.now() + FOR
end

-- Seconds for one call of such an operation.
function retry.time_for_one(deadline)
  return math.max(math.min(EACH, deadline - core.now()), 1)
end

return retry
