-- How long it takes from libvirt's call of its callback (stamp.c writes down when that is) to the script's next line: event.lua EVENTS, which prints
-- as many lines of a runs file for each way to wait. Another task causes the events, one by one: nothing else is to do when one comes.

local COUNT, PAUSE = tonumber((...)), 0.002

local host = guestlua.open("test:///default")
local guest = host:guest("test")

local ways = {
  { "events:next()", function(note)
    local events <close> = guest:subscribe("lifecycle")
    for _ = 1, COUNT do
      events:next()
      note()
    end
  end },
  { "for ... in guest:events", function(note)
    local left = COUNT
    for _ in guest:events({ "lifecycle" }) do
      note()
      left = left - 1
      if left == 0 then
        return
      end
    end
  end },
}

local noted, names = {}, {}
for _, way in ipairs(ways) do
  local causes = guestlua.spawn(function()
    while guestlua.alive().subscriptions == 0 do
      guestlua.sleep(PAUSE)
    end
    for i = 1, COUNT do
      guestlua.sleep(PAUSE)
      guest[i % 2 == 1 and "pause" or "resume"](guest)
    end
  end)
  way[2](function()
    local now = guestlua.now()
    noted[#noted + 1], names[#names + 1] = now, way[1]
  end)
  causes:wait()
end

local file = assert(io.open(os.getenv("BENCH_EVENTS"), "rb"))
local stamps = file:read("a")
file:close()
assert(string.unpack("i8", stamps) == #noted, "not every event was both stamped and seen")
for i, now in ipairs(noted) do
  local ns = now * 1e9 - string.unpack("i8", stamps, 1 + 8 * i)
  print(("guestlua, %s\t%.0f\t0\t0"):format(names[i], ns))
end
host:close()
