-- What a call costs: loop.lua URI CALL CALLS, as loop.c; CALL each asks for the statistics guest by guest.

local uri, call, calls = ...
local host = guestlua.open(uri)
local guest = host:guest("test")

local loop = {
  is_active = function(count)
    for _ = 1, count do
      local _ = guest:is_active()
    end
  end,
  name = function(count)
    for _ = 1, count do
      local _ = guest.name
    end
  end,
}

function loop.stats(count)
  for _ = 1, count do
    assert(next(host:stats()))
  end
end

local guests = call == "each" and host:guests()
function loop.each(count)
  for _ = 1, count do
    for _, one in ipairs(guests) do
      assert(one:stats())
    end
  end
end

local best = math.huge
for _ = 1, call == "each" and 3 or 100 do
  local start = guestlua.now()
  loop[call](tonumber(calls))
  best = math.min(best, (guestlua.now() - start) * 1e9 / calls)
end
print(("%.1f"):format(best))
host:close()
