-- guestlua.map over many guests: map.lua DIRECTORY WORK, which appends to DIRECTORY/map_WORK.runs how long the work takes on all guests one after the
-- other, on the slowest of them alone, and on all of them by map. WORK real is exec and snapshot, on guests that are booted once.

package.path = "./?.lua;" .. package.path

local directory, what = ...

local function seconds(fn, ...)
  local began = guestlua.now()
  fn(...)
  return guestlua.now() - began
end

local function measure(name, guests, work)
  local sum, slowest = 0, 0
  for _, guest in ipairs(guests) do
    local alone = seconds(work, guest)
    sum, slowest = sum + alone, math.max(slowest, alone)
  end
  local together = seconds(guestlua.map, guests, work)
  local file <close> = assert(io.open(("%s/map_%s.runs"):format(directory, name), "a"))
  for _, row in ipairs({ { "one by one", sum }, { "the slowest alone", slowest }, { "guestlua.map", together } }) do
    assert(file:write(("%s\t%.0f\t0\t0\n"):format(row[1], row[2] * 1e9)))
  end
end

-- 200 guests of the test driver. Its calls never wait, unless stamp.c makes them.
local function test_guests()
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write("<node>")
  for i = 1, 200 do
    file:write(("<domain type='test'><name>map%d</name><memory>1024</memory><os><type>hvm</type></os></domain>"):format(i))
  end
  file:write("</node>")
  file:close()
  local host = guestlua.open("test://" .. path)
  os.remove(path)
  return host:guests()
end

local works = {
  calls = function()
    measure("calls", test_guests(), function(guest)
      assert(guest:get_xml_desc():find(guest.name, 1, true))
      guest:pause()
      guest:resume()
    end)
  end,

  waits = function()
    measure("waits", test_guests(), function(guest)
      local events <close> = guest:subscribe("lifecycle")
      guest:pause()
      assert(events:next(10).type == "suspended")
      guestlua.sleep(0.025) -- what is done while it is paused
      guest:resume()
      assert(events:next(10).type == "resumed")
    end)
  end,

  -- Eight real guests, each emulated: they share the machine's processors, so what makes them work cannot be eight times as fast.
  real = function()
    local tiny = require("spec.support.tiny")
    local machines <close> = setmetatable({}, {
      __close = function(list)
        guestlua.map(list, tiny.Machine.__close)
      end,
    })
    local began = guestlua.now()
    tiny.host() -- before there are tasks: libvirt's embedded driver does not bear being opened by several at a time
    guestlua.map({ 1, 2, 3, 4, 5, 6, 7, 8 }, function()
      table.insert(machines, tiny.boot())
    end)
    io.stderr:write(("bench: eight guests have booted, %.0f s\n"):format(guestlua.now() - began))
    local guests = {}
    for i, machine in ipairs(machines) do
      guests[i] = machine.guest
    end
    measure("exec", guests, function(guest)
      assert(guest:exec("/bin/sleep", { args = { "1" } }) == 0)
    end)
    measure("snapshot", guests, function(guest)
      guestlua.workflow.snapshot_then_commit(guest)
    end)
  end,
}

works[what]()
